// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package perconaserved refuses a DittoServer that asks for PostgreSQL by the
// Percona operator where that operator is not installed. It asks the discovery
// of the host cluster for the kind and looks at no object.
package perconaserved

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

// PluginName is the name for --enable-admission-plugins and --disable-admission-plugins.
const PluginName = "DittoServerPerconaServed"

const (
	groupVersion = "pgv2.percona.com/v2"
	resourceName = "perconapgclusters"

	timeout = 5 * time.Second
	// An operator that has just been installed is found soon; one that goes away
	// is found missing by the controller anyway.
	absentFor  = 5 * time.Second
	presentFor = 10 * time.Minute
)

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return New(), nil })
}

// Plugin fails closed: while the host cluster does not say whether it has the
// kind, it is 503. Requests that do not switch percona on pass.
type Plugin struct {
	*admission.Handler
	client kubernetes.Interface
	clock  clock.PassiveClock

	// mu guards what was last learned, and until when it holds.
	mu     sync.Mutex
	served bool
	until  time.Time
}

// New returns the plugin, to be completed by the initializers.
func New() *Plugin {
	return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update), clock: clock.RealClock{}}
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

// Validate looks only when percona is switched on: a server that has its
// database there already can be changed while the operator is away.
func (p *Plugin) Validate(ctx context.Context, attributes admission.Attributes, _ admission.ObjectInterfaces) error {
	server, old := dittofsadmission.Changed(attributes)
	if server == nil || !enabled(server) || old != nil && enabled(old) {
		return nil
	}
	served, err := p.isServed(ctx)
	if err != nil {
		return dittofsadmission.Unavailable(attributes, "looking for the Percona operator", err)
	}
	if served {
		return nil
	}
	return dittofsadmission.Invalid(server, field.ErrorList{field.Invalid(field.NewPath("spec", "percona", "enabled"), true, fmt.Sprintf(
		"install the Percona operator first: the cluster does not serve %s.%s; or leave it false. What is installed is seen within %s",
		resourceName, groupVersion, absentFor))})
}

func enabled(server *dittofsv1alpha1.DittoServer) bool {
	return server.Spec.Percona != nil && server.Spec.Percona.Enabled
}

// isServed asks the host, unless it has answered lately.
func (p *Plugin) isServed(ctx context.Context) (bool, error) {
	p.mu.Lock()
	served, fresh := p.served, p.clock.Now().Before(p.until)
	p.mu.Unlock()
	if fresh {
		return served, nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client := discovery.ToDiscoveryInterfaceWithContext(p.client.Discovery())
	list, err := client.ServerResourcesForGroupVersionWithContext(ctx, groupVersion)
	if err != nil && !apierrors.IsNotFound(err) {
		return false, fmt.Errorf("ask the host cluster for %s: %w", groupVersion, err)
	}
	served = err == nil && slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Name == resourceName })

	p.mu.Lock()
	defer p.mu.Unlock()
	p.served, p.until = served, p.clock.Now().Add(absentFor)
	if served {
		p.until = p.clock.Now().Add(presentFor)
	}
	return served, nil
}
