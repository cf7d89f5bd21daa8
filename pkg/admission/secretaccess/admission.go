// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package secretaccess refuses a DittoServer whose author may not do themselves
// what the server does for them: read its Secrets, run as its ServiceAccount,
// take over the StatefulSet that is there. It asks the authorizer about the
// requester, and warns of Secrets that will not do.
package secretaccess

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

// PluginName is the name for --enable-admission-plugins and --disable-admission-plugins.
const PluginName = "DittoServerSecretAccess"

// lookupTimeout bounds the look-ups of one request in the host cluster.
const lookupTimeout = 5 * time.Second

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return New(), nil })
}

// Plugin fails closed: without an answer about the requester, or about what is
// there already, nothing is allowed. Its warnings fail open.
type Plugin struct {
	*admission.Handler
	authorizer authorizer.Authorizer
	client     kubernetes.Interface
	metadata   metadata.Interface
}

// New returns the plugin, to be completed by the initializers.
func New() *Plugin {
	return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update)}
}

var (
	_ admission.ValidationInterface          = &Plugin{}
	_ initializer.WantsAuthorizer            = &Plugin{}
	_ initializer.WantsExternalKubeClientSet = &Plugin{}
	_ dittofsadmission.WantsHostMetadata     = &Plugin{}
)

// SetAuthorizer takes the authorizer of the server, which asks the host cluster.
func (p *Plugin) SetAuthorizer(a authorizer.Authorizer) { p.authorizer = a }

// SetExternalKubeClientSet takes the client of the host.
func (p *Plugin) SetExternalKubeClientSet(client kubernetes.Interface) { p.client = client }

// SetHostMetadata takes the client that sees no content.
func (p *Plugin) SetHostMetadata(client metadata.Interface) { p.metadata = client }

// ValidateInitialization fails when an initializer was left out.
func (p *Plugin) ValidateInitialization() error {
	if p.authorizer == nil || p.client == nil || p.metadata == nil {
		return fmt.Errorf("%s needs an authorizer and the clients of the host cluster", PluginName)
	}
	return nil
}

// Validate asks about everything that the spec leads to, not only about what has
// changed: a new image reads the Secrets that somebody else has named.
func (p *Plugin) Validate(ctx context.Context, attributes admission.Attributes, _ admission.ObjectInterfaces) error {
	server, old := dittofsadmission.Changed(attributes)
	adopts := dittofsadmission.Adopts(attributes)
	switch {
	case server == nil && !adopts:
		return nil
	case server == nil:
		// Only the annotation is new.
		server = attributes.GetObject().(*dittofsv1alpha1.DittoServer)
	case old != nil && !adopts && !decidesWhatRuns(&server.Spec, &old.Spec):
		return nil
	}
	created := attributes.GetOperation() == admission.Create
	references := referencesOf(server)
	rights, err := p.rights(ctx, attributes, server, references, created, created || adopts)
	if err != nil {
		return err
	}
	if err := dittofsadmission.RequireRights(ctx, p.authorizer, attributes, rights); err != nil {
		return err
	}
	p.warn(ctx, attributes.GetNamespace(), server, references)
	return nil
}

// rights are what the requester has to be asked about still: what a right to all
// objects of the namespace covers is left out, and not even looked up.
func (p *Plugin) rights(ctx context.Context, attributes admission.Attributes, server *dittofsv1alpha1.DittoServer,
	references []reference, created, takesOver bool) ([]dittofsadmission.Right, error) {
	if len(references) > 0 {
		all, err := dittofsadmission.HasRight(ctx, p.authorizer, attributes, dittofsadmission.Right{
			Verb: "get", Resource: dittofsadmission.Secrets, Field: references[0].field,
		})
		if err != nil {
			return nil, err
		}
		if all {
			references = nil
		}
	}
	var left []dittofsadmission.Object
	if takesOver {
		all, err := dittofsadmission.HasRight(ctx, p.authorizer, attributes, dittofsadmission.Right{
			Verb: "update", Resource: dittofsadmission.StatefulSets, Field: "what an earlier server has left",
		})
		if err != nil {
			return nil, err
		}
		if !all {
			left = leftovers(server)
		}
	}
	existing, err := p.existing(ctx, attributes, references, created, left)
	if err != nil {
		return nil, err
	}
	var rights []dittofsadmission.Right
	for _, ref := range references {
		if ref.derived && created && !existing[ref.object()] {
			continue
		}
		rights = append(rights, dittofsadmission.Right{
			Verb: "get", Resource: dittofsadmission.Secrets, Kind: "Secret", Name: ref.name, Field: ref.field,
		})
	}
	// Its token is not mounted, but a cluster may give the pod other credentials
	// by its ServiceAccount.
	if account := server.Spec.ServiceAccountName; account != "" && account != "default" {
		rights = append(rights, dittofsadmission.Right{
			Verb: "create", Resource: dittofsadmission.Pods, Field: fmt.Sprintf("spec.serviceAccountName is %q, another than default", account),
		})
	}
	if i := slices.IndexFunc(left, func(object dittofsadmission.Object) bool { return existing[object] }); i >= 0 {
		rights = append(rights, takeover(server, left[i]))
	}
	return rights, nil
}

// existing looks for what may be left of an earlier server. A Secret that will be
// made for this server holds nothing yet. If it is there, it is that of an earlier
// one, whose data this one goes on with.
func (p *Plugin) existing(ctx context.Context, attributes admission.Attributes, references []reference, created bool,
	left []dittofsadmission.Object) (map[dittofsadmission.Object]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	objects := slices.Clone(left)
	for _, ref := range references {
		if ref.derived && created {
			objects = append(objects, ref.object())
		}
	}
	existing, err := dittofsadmission.Existing(ctx, p.metadata, attributes.GetNamespace(), objects)
	if err != nil {
		return nil, dittofsadmission.Unavailable(attributes, "looking for what is there already", err)
	}
	return existing, nil
}
