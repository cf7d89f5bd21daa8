// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package secretaccess

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/klog/v2"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

const (
	// warningTimeout is short: a warning is worth no long wait.
	warningTimeout = 2 * time.Second
	// leastJWTSecret is what dfs asks for, in bytes.
	leastJWTSecret = 32
)

// warn tells of Secrets that are missing or will not do. It runs only once the
// requester was found to have the verb get on all of them: neither the presence
// nor the content of a Secret is told to anybody else. It fails open.
func (p *Plugin) warn(ctx context.Context, namespace string, server *dittofsv1alpha1.DittoServer, references []reference) {
	ctx, cancel := context.WithTimeout(ctx, warningTimeout)
	defer cancel()
	named := slices.DeleteFunc(slices.Clone(references), func(ref reference) bool { return ref.optional })
	var objects []dittofsadmission.Object
	for _, ref := range named {
		objects = append(objects, ref.object())
	}
	existing, err := dittofsadmission.Existing(ctx, p.metadata, namespace, objects)
	if err != nil {
		klog.FromContext(ctx).Error(err, "Looking for Secrets to warn about; no warning is given", "namespace", namespace)
		return
	}
	missing := sets.New[string]()
	for _, ref := range named {
		if !existing[ref.object()] && !missing.Has(ref.name) {
			missing.Insert(ref.name)
			without := cmp.Or(ref.without, "the server waits for it")
			warning.AddWarning(ctx, "", fmt.Sprintf("%s: missing Secret %q in namespace %s: %s", ref.field, ref.name, namespace, without))
		}
	}
	if ref := server.Spec.Identity.JWT.SecretRef; ref != nil && !missing.Has(ref.Name) {
		p.warnOfWeakJWTSecret(ctx, namespace, ref)
	}
}

func (p *Plugin) warnOfWeakJWTSecret(ctx context.Context, namespace string, ref *dittofsv1alpha1.SecretKeyReference) {
	secret, err := p.client.CoreV1().Secrets(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	if err != nil {
		klog.FromContext(ctx).Error(err, "Reading the JWT Secret to warn about it; no warning is given", "namespace", namespace, "secret", ref.Name)
		return
	}
	const path = "spec.identity.jwt.secretRef"
	value, ok := secret.Data[ref.Key]
	switch {
	case !ok:
		warning.AddWarning(ctx, "", fmt.Sprintf("%s.key: Secret %q has no key %q: the server waits for it", path, ref.Name, ref.Key))
	case len(value) < leastJWTSecret:
		warning.AddWarning(ctx, "", fmt.Sprintf("%s: key %q of Secret %q is shorter than %d bytes: the server does not start with it", path, ref.Key, ref.Name, leastJWTSecret))
	}
}
