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
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/client-go/kubernetes"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

// PluginName is the name for --enable-admission-plugins and --disable-admission-plugins.
const PluginName = "DittoServerNamespaceStamp"

// timeout bounds the look-up.
const timeout = 5 * time.Second

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return New(), nil })
}

// Plugin defaults the annotation dittofs.io/namespace-uid. It only defaults and
// is idempotent, because mutating plugins may run twice. It asks the host at each
// create: an informer whose watch is broken would give the UID of a namespace
// that has been replaced since. It fails closed: without the stamp nothing would
// tell whose the server is.
type Plugin struct {
	*admission.Handler
	client kubernetes.Interface
}

// New returns the plugin, to be completed by the initializers.
func New() *Plugin { return &Plugin{Handler: admission.NewHandler(admission.Create)} }

var (
	_ admission.MutationInterface            = &Plugin{}
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

// Admit sets the annotation, over whatever the user wrote there.
func (p *Plugin) Admit(ctx context.Context, attributes admission.Attributes, _ admission.ObjectInterfaces) error {
	server := dittofsadmission.Created(attributes)
	if server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	namespace, err := p.client.CoreV1().Namespaces().Get(ctx, attributes.GetNamespace(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return err
	case err != nil:
		return dittofsadmission.Unavailable(attributes, "looking for the UID of namespace "+attributes.GetNamespace(), err)
	}
	metav1.SetMetaDataAnnotation(&server.ObjectMeta, dittofsv1alpha1.AnnotationNamespaceUID, string(namespace.UID))
	return nil
}
