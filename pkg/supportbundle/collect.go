// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package supportbundle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/version"
	"sigs.k8s.io/yaml"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

const (
	serverName     = "dittofs-apiserver"
	storeConfigMap = "dittofs-store"
	apiServiceName = "v1alpha1.dittofs.io"
	// requestLimit bounds each question: where our API hangs is where a bundle is wanted.
	requestLimit = 15 * time.Second
	// listLimit keeps the objects of a huge cluster from filling the memory of whoever asks.
	listLimit = 5000
)

// collector asks for one thing after another. What cannot be had is noted, and the next is asked for.
type collector struct {
	archive
	options Options
	config  *rest.Config
	kube    kubernetes.Interface
	dynamic dynamic.Interface
	// metadata reads Secrets without their content.
	metadata metadata.Interface
	// namespaces are those with file servers.
	namespaces []string
}

func (c *collector) collect(ctx context.Context) {
	c.asText("versions/bundle.txt", "the version of this command", func(context.Context) ([]byte, error) {
		return fmt.Appendf(nil, "%s\n", version.Get()), nil
	})(ctx)
	c.path(ctx, "versions/host.json", "the version of the host cluster", "/version")
	c.path(ctx, "host/readyz.txt", "the health of the host's API", "/readyz?verbose")
	c.asText("versions/server.json", "the version of our server, as its OpenAPI document has it", c.serverVersion)(ctx)
	c.path(ctx, "api/discovery.json", "what our API serves", "/apis/dittofs.io/v1alpha1")
	c.one(ctx, "api/apiservice.yaml", "what the host thinks of our API", "apiregistration.k8s.io/v1/apiservices", "", apiServiceName)
	servers := c.list(ctx, "api/dittoservers.yaml", "DittoServers, with text in config and values in extraEnv withheld", "dittofs.io/v1alpha1/dittoservers", "", "")
	c.list(ctx, "api/dittoserverclasses.yaml", "DittoServerClasses", "dittofs.io/v1alpha1/dittoserverclasses", "", "")
	made := c.list(ctx, "servers/statefulsets.yaml", "what file servers are made of", "apps/v1/statefulsets", "", ours)
	for _, object := range slices.Concat(servers, made) {
		if !slices.Contains(c.namespaces, object.GetNamespace()) {
			c.namespaces = append(c.namespaces, object.GetNamespace())
		}
	}
	slices.Sort(c.namespaces)
	for _, resource := range []string{"v1/services", "v1/configmaps", "v1/pods", "networking.k8s.io/v1/ingresses", "networking.k8s.io/v1/networkpolicies"} {
		c.list(ctx, "servers/"+nameOf(resource)+".yaml", "what file servers are made of", resource, "", ours)
	}
	c.list(ctx, "servers/persistentvolumeclaims.yaml", "the claims of file servers", "v1/persistentvolumeclaims", "", "app=dittofs-server")
	c.secrets(ctx, servers)
	system := c.options.Namespace
	for _, resource := range []string{
		"apps/v1/statefulsets", "apps/v1/deployments", "v1/pods", "v1/services", "discovery.k8s.io/v1/endpointslices", "v1/persistentvolumeclaims",
		"networking.k8s.io/v1/networkpolicies", "coordination.k8s.io/v1/leases", "batch/v1/cronjobs", "batch/v1/jobs",
	} {
		c.list(ctx, "system/"+nameOf(resource)+".yaml", "our own namespace", resource, system, "")
	}
	c.one(ctx, "system/dittofs-store.yaml", "the store that the host remembers", "v1/configmaps", system, storeConfigMap)
	c.events(ctx)
	c.list(ctx, "host/nodes.yaml", "the nodes", "v1/nodes", "", "")
	c.list(ctx, "host/storageclasses.yaml", "the storage classes", "storage.k8s.io/v1/storageclasses", "", "")
	c.health(ctx)
	c.logs(ctx)
}

const ours = dittofsv1alpha1.LabelManagedBy + "=" + dittofsv1alpha1.ManagedBy

func nameOf(resource string) string { return resourceOf(resource).Resource }

// resourceOf reads "apps/v1/statefulsets", and "v1/pods" of the core.
func resourceOf(path string) schema.GroupVersionResource {
	parts := strings.Split(path, "/")
	if len(parts) == 2 {
		return schema.GroupVersionResource{Version: parts[0], Resource: parts[1]}
	}
	return schema.GroupVersionResource{Group: parts[0], Version: parts[1], Resource: parts[2]}
}

// asText is one file of the archive, whatever comes of it.
func (c *collector) asText(name, about string, get func(context.Context) ([]byte, error)) func(context.Context) {
	return func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, requestLimit)
		defer cancel()
		content, err := get(ctx)
		c.put(name, about, content, err)
	}
}

func (c *collector) path(ctx context.Context, name, about, path string) {
	c.asText(name, about, func(ctx context.Context) ([]byte, error) { return raw(ctx, c.kube, path) })(ctx)
}

func raw(ctx context.Context, client kubernetes.Interface, path string) ([]byte, error) {
	// What is red is an answer too: a failing check names itself in the body of an error.
	result := client.Discovery().RESTClient().Get().RequestURI(path).Do(ctx)
	body, err := result.Raw()
	if err != nil && len(body) > 0 {
		return fmt.Appendf(body, "\n(%v)\n", err), nil
	}
	return body, err
}

func (c *collector) serverVersion(ctx context.Context) ([]byte, error) {
	document, err := raw(ctx, c.kube, "/openapi/v3/apis/dittofs.io/v1alpha1")
	if err != nil {
		return nil, err
	}
	var parsed struct {
		Info json.RawMessage `json:"info"`
	}
	if err := json.Unmarshal(document, &parsed); err != nil {
		return nil, errors.New("no OpenAPI document: " + string(document[:min(len(document), 200)]))
	}
	return parsed.Info, nil
}

func (c *collector) list(ctx context.Context, name, about, resource, namespace, selector string) (items []unstructured.Unstructured) {
	c.asText(name, about, func(ctx context.Context) ([]byte, error) {
		list, err := c.dynamic.Resource(resourceOf(resource)).Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector, Limit: listLimit})
		if err != nil {
			return nil, err
		}
		for i := range list.Items {
			items = append(items, *list.Items[i].DeepCopy())
		}
		return encode(list.Items)
	})(ctx)
	return items
}

func (c *collector) one(ctx context.Context, name, about, resource, namespace, object string) {
	c.asText(name, about, func(ctx context.Context) ([]byte, error) {
		found, err := c.dynamic.Resource(resourceOf(resource)).Namespace(namespace).Get(ctx, object, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return encode([]unstructured.Unstructured{*found})
	})(ctx)
}

// encode writes objects as YAML documents, without what may hold a secret.
func encode(objects []unstructured.Unstructured) ([]byte, error) {
	var out []byte
	for _, object := range objects {
		redact(object.Object)
		document, err := yaml.Marshal(object.Object)
		if err != nil {
			return nil, err
		}
		out = append(append(out, "---\n"...), document...)
	}
	if len(objects) == 0 {
		out = []byte("# none\n")
	}
	return out, nil
}
