// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package supportbundle

import (
	"context"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// secrets writes the names, keys and lengths of the Secrets that DittoServers lead to, and learns what is not to be in the
// archive: their values, and those of the literals in their specs.
func (c *collector) secrets(ctx context.Context, servers []unstructured.Unstructured) {
	c.asText("servers/secrets.txt", "names, keys and lengths of the Secrets of file servers", func(ctx context.Context) ([]byte, error) {
		var out []byte
		for _, object := range servers {
			server := &dittofsv1alpha1.DittoServer{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, server); err != nil {
				return nil, err
			}
			for _, variable := range server.Spec.ExtraEnv {
				c.learn([]byte(variable.Value))
			}
			for _, name := range render.ReferencedSecrets(server) {
				out = append(out, c.secret(ctx, server.Namespace, name)...)
			}
		}
		return out, nil
	})(ctx)
	// Of ours nothing is read but names.
	c.asText("system/secrets.txt", "names of the Secrets of our own namespace", func(ctx context.Context) ([]byte, error) {
		list, err := c.metadata.Resource(resourceOf("v1/secrets")).Namespace(c.options.Namespace).List(ctx, metav1.ListOptions{Limit: listLimit})
		if err != nil {
			return nil, err
		}
		var out []byte
		for _, secret := range list.Items {
			out = fmt.Appendf(out, "%s, version %s, since %s\n", secret.Name, secret.ResourceVersion, secret.CreationTimestamp.UTC())
		}
		return out, nil
	})(ctx)
}

func (c *collector) secret(ctx context.Context, namespace, name string) []byte {
	secret, err := c.kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Appendf(nil, "%s/%s: %v\n", namespace, name, err)
	}
	out := fmt.Appendf(nil, "%s/%s %s, version %s, since %s\n", namespace, name, secret.Type, secret.ResourceVersion, secret.CreationTimestamp.UTC())
	for _, key := range slices.Sorted(maps.Keys(secret.Data)) {
		c.learn(secret.Data[key])
		out = fmt.Appendf(out, "  %s: %d bytes\n", key, len(secret.Data[key]))
	}
	return out
}
