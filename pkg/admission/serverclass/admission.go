// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package serverclass gives a DittoServer its class: it fills in the default class
// and the defaults of the class, and refuses a server whose author may not use
// the class, or that goes beyond its limits. It reads classes and asks the
// authorizer about the requester; it changes no field that somebody has set.
package serverclass

import (
	"context"
	"fmt"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/utils/ptr"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/class"
	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

// PluginName is the name for --enable-admission-plugins and --disable-admission-plugins.
const PluginName = "DittoServerClass"

// timeout bounds the look-ups of one request in our own store.
const timeout = 5 * time.Second

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return New(), nil })
}

// Plugin fails closed: without its class, and without an answer about the
// requester, nothing is allowed.
type Plugin struct {
	*admission.Handler
	authorizer authorizer.Authorizer
	classes    dittofsadmission.Classes
}

// New returns the plugin, to be completed by the initializers.
func New() *Plugin {
	return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update)}
}

var (
	_ admission.MutationInterface   = &Plugin{}
	_ admission.ValidationInterface = &Plugin{}
	_ initializer.WantsAuthorizer   = &Plugin{}
	_ dittofsadmission.WantsClasses = &Plugin{}
)

// SetAuthorizer takes the authorizer of the server, which asks the host cluster.
func (p *Plugin) SetAuthorizer(a authorizer.Authorizer) { p.authorizer = a }

// SetClasses takes the classes of our own store.
func (p *Plugin) SetClasses(classes dittofsadmission.Classes) { p.classes = classes }

// ValidateInitialization fails when an initializer was left out.
func (p *Plugin) ValidateInitialization() error {
	if p.authorizer == nil || p.classes == nil {
		return fmt.Errorf("%s needs an authorizer and the classes", PluginName)
	}
	return nil
}

// Admit fills in what the author left out: the class, what the class gives, and
// then the fixed defaults, so that policies and webhooks see a whole object.
func (p *Plugin) Admit(ctx context.Context, attributes admission.Attributes, _ admission.ObjectInterfaces) error {
	if server, old := dittofsadmission.Updated(attributes); server != nil {
		dittofsv1alpha1.CompleteDefaults(server, old)
		return nil
	}
	server := dittofsadmission.Created(attributes)
	if server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	chosen, err := p.choose(ctx, server)
	if err != nil {
		return dittofsadmission.Unavailable(attributes, "looking for the DittoServerClass", err)
	}
	if chosen != nil {
		server.Spec.ClassName = ptr.To(chosen.Name)
		class.ApplyDefaults(&server.Spec, &chosen.Spec.Defaults)
	}
	dittofsv1alpha1.CompleteDefaults(server, nil)
	return nil
}

// choose returns nil for a server without a class, and for one whose class is not
// there: Validate says so.
func (p *Plugin) choose(ctx context.Context, server *dittofsv1alpha1.DittoServer) (*dittofsv1alpha1.DittoServerClass, error) {
	switch name := server.Spec.ClassName; {
	case name == nil:
		return p.classes.Default(ctx)
	case *name == "":
		return nil, nil
	default:
		return p.classes.Get(ctx, *name)
	}
}

// Validate holds the server to its class: a new one as a whole, a changed one in
// what it changes.
func (p *Plugin) Validate(ctx context.Context, attributes admission.Attributes, _ admission.ObjectInterfaces) error {
	server, old := dittofsadmission.Changed(attributes)
	if server == nil {
		return nil
	}
	if !server.Spec.HasClass() {
		return p.mayDoWithout(ctx, attributes, server, old)
	}
	name := *server.Spec.ClassName
	found, err := p.get(ctx, attributes, name)
	if err != nil {
		return err
	}
	switch path := field.NewPath("spec", "className"); {
	case found == nil && old != nil:
		return admission.NewForbidden(attributes, fmt.Errorf(
			"the DittoServerClass %q of this server is gone, and without it nobody knows what is allowed; create it again first", name))
	case found == nil:
		return dittofsadmission.Invalid(server, field.ErrorList{field.Invalid(path, name,
			"there is no such DittoServerClass; kubectl get dittoserverclasses lists those that there are")})
	case old == nil && found.DeletionTimestamp != nil:
		return dittofsadmission.Invalid(server, field.ErrorList{field.Invalid(path, name, "this DittoServerClass is being deleted; choose another one")})
	}
	if old == nil {
		if err := p.mayUse(ctx, attributes, name); err != nil {
			return err
		}
	}
	return p.holdToLimits(ctx, attributes, server, old, found)
}

func (p *Plugin) get(ctx context.Context, attributes admission.Attributes, name string) (*dittofsv1alpha1.DittoServerClass, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	found, err := p.classes.Get(ctx, name)
	if err != nil {
		return nil, dittofsadmission.Unavailable(attributes, fmt.Sprintf("looking for the DittoServerClass %q", name), err)
	}
	return found, nil
}
