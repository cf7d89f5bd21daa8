// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package secretaccess refuses a DittoServer whose author may not read the
// Secrets that its pod will read: nobody reads a Secret through a server that
// they shape. It asks the authorizer about the requester and reads no Secret.
package secretaccess

import (
	"context"
	"fmt"
	"io"
	"slices"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

// PluginName is the name for --enable-admission-plugins and --disable-admission-plugins.
const PluginName = "DittoServerSecretAccess"

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return New(), nil })
}

// Plugin fails closed: without an answer about the requester nothing is allowed.
type Plugin struct {
	*admission.Handler
	authorizer authorizer.Authorizer
}

// New returns the plugin, to be completed by the initializers.
func New() *Plugin {
	return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update)}
}

var (
	_ admission.ValidationInterface     = &Plugin{}
	_ initializer.WantsAuthorizer       = &Plugin{}
	_ admission.InitializationValidator = &Plugin{}
)

// SetAuthorizer takes the authorizer of the server, which asks the host cluster.
func (p *Plugin) SetAuthorizer(a authorizer.Authorizer) { p.authorizer = a }

// ValidateInitialization fails when an initializer was left out.
func (p *Plugin) ValidateInitialization() error {
	if p.authorizer == nil {
		return fmt.Errorf("%s needs an authorizer", PluginName)
	}
	return nil
}

// Validate asks for every Secret of the spec whether the requester may get it,
// when a field changes that decides what runs or where credentials go.
func (p *Plugin) Validate(ctx context.Context, attributes admission.Attributes, _ admission.ObjectInterfaces) error {
	server, old := dittofsadmission.Changed(attributes)
	if server == nil || old != nil && !decidesWhatRuns(server, old) {
		return nil
	}
	for _, name := range referencedSecrets(&server.Spec) {
		decision, reason, err := p.authorizer.Authorize(ctx, authorizer.AttributesRecord{
			User: attributes.GetUserInfo(), Verb: "get", APIVersion: "v1", Resource: "secrets",
			Namespace: attributes.GetNamespace(), Name: name, ResourceRequest: true,
		})
		if err != nil && decision != authorizer.DecisionAllow {
			return admission.NewForbidden(attributes, fmt.Errorf("asking whether you may get Secret %q failed, try again: %w", name, err))
		}
		if decision != authorizer.DecisionAllow {
			return admission.NewForbidden(attributes, fmt.Errorf(
				"the spec refers to Secret %q, which you may not read: user %q needs the verb get on secrets in namespace %s%s",
				name, attributes.GetUserInfo().GetName(), attributes.GetNamespace(), suffix(reason)))
		}
	}
	return nil
}

func suffix(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

func decidesWhatRuns(server, old *dittofsv1alpha1.DittoServer) bool {
	return server.Spec.Image != old.Spec.Image ||
		!apiequality.Semantic.DeepEqual(server.Spec.Database, old.Spec.Database) ||
		!apiequality.Semantic.DeepEqual(server.Spec.Identity, old.Spec.Identity)
}

// referencedSecrets are the names that the spec names, sorted, each once.
func referencedSecrets(spec *dittofsv1alpha1.DittoServerSpec) []string {
	var names []string
	if ref := spec.Database.PostgresSecretRef; ref != nil {
		names = append(names, ref.Name)
	}
	if ref := spec.Identity.JWT.SecretRef; ref != nil {
		names = append(names, ref.Name)
	}
	if ref := spec.Identity.Admin.PasswordSecretRef; ref != nil {
		names = append(names, ref.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
