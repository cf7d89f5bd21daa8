// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package credentials refuses a DittoServer that leaves its credentials to be
// generated where the installation may not create Secrets. It asks the host
// cluster about its own rights and never looks at a Secret.
package credentials

import (
	"context"
	"fmt"
	"io"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

// PluginName is the name for --enable-admission-plugins and --disable-admission-plugins.
const PluginName = "DittoServerCredentials"

// timeout is short, since without an answer the request is let through.
const timeout = 2 * time.Second

// That Secrets may be created is known for a moment, of so many namespaces.
const (
	keptFor        = 10 * time.Second
	keptNamespaces = 4096
)

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return New(), nil })
}

// Plugin asks whether Secrets may be created.
type Plugin struct {
	*admission.Handler
	client kubernetes.Interface
	// allowed are the namespaces in which Secrets may be created. Only that is
	// kept: who gives us the right is not to wait.
	allowed *cache.LRUExpireCache
}

// New returns the plugin, to be completed by the initializers.
func New() *Plugin {
	return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update), allowed: cache.NewLRUExpireCache(keptNamespaces)}
}

var (
	_ admission.ValidationInterface          = &Plugin{}
	_ initializer.WantsExternalKubeClientSet = &Plugin{}
	_ admission.InitializationValidator      = &Plugin{}
)

// SetExternalKubeClientSet takes the client of the host.
func (p *Plugin) SetExternalKubeClientSet(client kubernetes.Interface) { p.client = client }

// ValidateInitialization fails when an initializer was left out.
func (p *Plugin) ValidateInitialization() error {
	if p.client == nil {
		return fmt.Errorf("%s needs the client of the host cluster", PluginName)
	}
	return nil
}

// Validate fails open: when the host does not answer, the controller will find
// out and say CredentialsRefused in the status.
func (p *Plugin) Validate(ctx context.Context, attributes admission.Attributes, _ admission.ObjectInterfaces) error {
	server, old := dittofsadmission.Changed(attributes)
	if server == nil {
		return nil
	}
	missing := newlyGenerated(server, old)
	if len(missing) == 0 || p.mayCreateSecrets(ctx, attributes.GetNamespace()) {
		return nil
	}
	var errs field.ErrorList
	for _, path := range missing {
		errs = append(errs, field.Required(path, fmt.Sprintf(
			"this installation may not create Secrets in namespace %s: create one and name it here, or install the component generate-credentials",
			attributes.GetNamespace())))
	}
	return dittofsadmission.Invalid(server, errs)
}

// newlyGenerated lists the references that are left out now and were not before:
// a Secret that was generated while that was allowed stays in use.
func newlyGenerated(server, old *dittofsv1alpha1.DittoServer) []*field.Path {
	identity := field.NewPath("spec", "identity")
	var paths []*field.Path
	if server.Spec.Identity.JWT.SecretRef == nil && (old == nil || old.Spec.Identity.JWT.SecretRef != nil) {
		paths = append(paths, identity.Child("jwt", "secretRef"))
	}
	if server.Spec.Identity.Admin.PasswordSecretRef == nil && (old == nil || old.Spec.Identity.Admin.PasswordSecretRef != nil) {
		paths = append(paths, identity.Child("admin", "passwordSecretRef"))
	}
	return paths
}

func (p *Plugin) mayCreateSecrets(ctx context.Context, namespace string) bool {
	if _, kept := p.allowed.Get(namespace); kept {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	review, err := p.client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: "create", Version: "v1", Resource: "secrets",
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		klog.FromContext(ctx).Error(err, "Asking the host cluster whether Secrets may be created; allowing the request", "namespace", namespace)
		return true
	}
	if review.Status.Allowed {
		p.allowed.Add(namespace, nil, keptFor)
	}
	return review.Status.Allowed
}
