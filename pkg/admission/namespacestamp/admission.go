// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package namespacestamp writes the UID of its namespace on every DittoServer
// that is created. Our store outlives a namespace that was deleted while we were
// away: without the stamp, the next tenant of that name would inherit its servers.
package namespacestamp

import (
	"context"
	"fmt"
	"io"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corev1listers "k8s.io/client-go/listers/core/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

// PluginName is the name for --enable-admission-plugins and --disable-admission-plugins.
const PluginName = "DittoServerNamespaceStamp"

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return New(), nil })
}

// Plugin defaults the annotation dittofs.io/namespace-uid. It only defaults and
// is idempotent, because mutating plugins may run twice.
type Plugin struct {
	*admission.Handler
	lister corev1listers.NamespaceLister
	client kubernetes.Interface
}

// New returns the plugin, to be completed by the initializers.
func New() *Plugin { return &Plugin{Handler: admission.NewHandler(admission.Create)} }

var (
	_ admission.MutationInterface                  = &Plugin{}
	_ initializer.WantsExternalKubeInformerFactory = &Plugin{}
	_ initializer.WantsExternalKubeClientSet       = &Plugin{}
	_ admission.InitializationValidator            = &Plugin{}
)

// SetExternalKubeInformerFactory takes the lister of the host's namespaces.
func (p *Plugin) SetExternalKubeInformerFactory(factory informers.SharedInformerFactory) {
	namespaces := factory.Core().V1().Namespaces()
	p.lister = namespaces.Lister()
	p.SetReadyFunc(namespaces.Informer().HasSynced)
}

// SetExternalKubeClientSet takes the client of the host.
func (p *Plugin) SetExternalKubeClientSet(client kubernetes.Interface) { p.client = client }

// ValidateInitialization fails when an initializer was left out.
func (p *Plugin) ValidateInitialization() error {
	if p.lister == nil || p.client == nil {
		return fmt.Errorf("%s needs the client and the informers of the host cluster", PluginName)
	}
	return nil
}

// Admit sets the annotation, over whatever the user wrote there.
func (p *Plugin) Admit(ctx context.Context, attributes admission.Attributes, _ admission.ObjectInterfaces) error {
	server := dittofsadmission.Created(attributes)
	if server == nil {
		return nil
	}
	if !p.WaitForReady() {
		return admission.NewForbidden(attributes, fmt.Errorf("the namespaces of the host cluster are not known yet; try again"))
	}
	namespace, err := p.lister.Get(attributes.GetNamespace())
	if apierrors.IsNotFound(err) {
		// The informer may not have heard of a namespace made a moment ago.
		namespace, err = p.client.CoreV1().Namespaces().Get(ctx, attributes.GetNamespace(), metav1.GetOptions{})
	}
	if err != nil {
		return err
	}
	metav1.SetMetaDataAnnotation(&server.ObjectMeta, dittofsv1alpha1.AnnotationNamespaceUID, string(namespace.UID))
	return nil
}
