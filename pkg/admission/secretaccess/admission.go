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
		return dittofsadmission.Unavailable(attributes, "looking for what is there already", err)
	}
	if err := dittofsadmission.RequireRights(ctx, p.authorizer, attributes, rights); err != nil {
		return err
	}
	p.warn(ctx, attributes.GetNamespace(), server, references)
	return nil
}

// rights are what the requester needs.
func (p *Plugin) rights(ctx context.Context, attributes admission.Attributes, server *dittofsv1alpha1.DittoServer,
	references []reference, created, takesOver bool) ([]dittofsadmission.Right, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	namespace := attributes.GetNamespace()
	var rights []dittofsadmission.Right
	for _, ref := range references {
		// A Secret that will be made for this server holds nothing yet. If it is
		// there, it is that of an earlier server, whose data this one goes on with.
		if ref.derived && created {
			exists, err := dittofsadmission.Exists(ctx, p.metadata, dittofsadmission.Secrets, namespace, ref.name)
			if err != nil {
				return nil, err
			}
			if !exists {
				continue
			}
		}
		rights = append(rights, dittofsadmission.Right{
			Verb: "get", Resource: dittofsadmission.Secrets, Kind: "Secret", Name: ref.name, Field: ref.field,
		})
	}
	// Its token is not mounted, but a cluster may give the pod other credentials
	// by its ServiceAccount: server.md 13.
	if account := server.Spec.ServiceAccountName; account != "" && account != "default" {
		rights = append(rights, dittofsadmission.Right{
			Verb: "create", Resource: dittofsadmission.Pods, Field: fmt.Sprintf("spec.serviceAccountName is %q, another than default", account),
		})
	}
	if takesOver {
		right, err := p.takeover(ctx, namespace, server)
		if err != nil {
			return nil, err
		}
		rights = append(rights, right...)
	}
	return rights, nil
}
