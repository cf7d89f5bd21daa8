// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	authenticatorunion "k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	authorizerunion "k8s.io/apiserver/pkg/authorization/union"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/rest"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs"
)

// Names of the identities under which the embedded controllers reach our API.
const (
	userController = "system:dittofs:controller"
	userSweeper    = "system:dittofs:sweeper"
)

// identity is an in-process caller with a token and a list of what it may do.
// The UID, made anew at each start, tells it from a user who got hold of the
// name: a request that comes through the host cluster cannot carry it.
type identity struct {
	user  *user.DefaultInfo
	token string
	// rights maps "RESOURCE" and "RESOURCE/SUB" to verbs.
	rights map[string][]string
}

func newIdentity(name string, rights map[string][]string) *identity {
	return &identity{
		user:   &user.DefaultInfo{Name: name, UID: uuid.NewString(), Groups: []string{user.AllAuthenticated}},
		token:  uuid.NewString(),
		rights: rights,
	}
}

// identities are the callers that are known in this process only.
type identities struct{ controller, sweeper *identity }

func newIdentities() *identities {
	read := []string{"get", "list", "watch"}
	return &identities{
		controller: newIdentity(userController, map[string][]string{
			"dittoservers":          read,
			"dittoservers/status":   {"get", "update", "patch"},
			"dittoservers/finalize": {"update"},
			"dittoserverclasses":    read,
		}),
		sweeper: newIdentity(userSweeper, map[string][]string{
			"dittoservers":          append(slices.Clone(read), "delete"),
			"dittoservers/status":   {"get", "update", "patch"},
			"dittoservers/finalize": {"update"},
		}),
	}
}

// applyTo puts the identities before the delegated authentication and
// authorization: a review of the host for every status write would cost a call each.
func (i *identities) applyTo(config *genericapiserver.Config) error {
	tokens := map[string]*user.DefaultInfo{i.controller.token: i.controller.user, i.sweeper.token: i.sweeper.user}
	config.Authentication.Authenticator = authenticatorunion.New(
		authenticatorfactory.NewFromTokens(tokens, config.Authentication.APIAudiences),
		config.Authentication.Authenticator)
	union, err := authorizerunion.New(
		authorizerunion.NamedAuthorizer{AuthorizerName: "controllers", Authorizer: authorizer.AuthorizerFunc(i.authorize)},
		authorizerunion.NamedAuthorizer{AuthorizerName: "delegated", Authorizer: config.Authorization.Authorizer})
	if err != nil {
		return err
	}
	config.Authorization.Authorizer = union
	return nil
}

// authorize decides for the identities and has no opinion on anybody else.
func (i *identities) authorize(_ context.Context, attributes authorizer.Attributes) (authorizer.Decision, string, error) {
	for _, known := range []*identity{i.controller, i.sweeper} {
		if attributes.GetUser() != nil && attributes.GetUser().GetUID() == known.user.UID {
			return known.decide(attributes)
		}
	}
	return authorizer.DecisionNoOpinion, "", nil
}

func (i *identity) decide(attributes authorizer.Attributes) (authorizer.Decision, string, error) {
	if !attributes.IsResourceRequest() {
		// Clients look at discovery before they look at anything else.
		if attributes.IsReadOnly() {
			return authorizer.DecisionAllow, "", nil
		}
		return authorizer.DecisionDeny, "not a right of " + i.user.Name, nil
	}
	resource := attributes.GetResource()
	if sub := attributes.GetSubresource(); sub != "" {
		resource += "/" + sub
	}
	if attributes.GetAPIGroup() == dittofs.GroupName && slices.Contains(i.rights[resource], attributes.GetVerb()) {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionDeny, "not a right of " + i.user.Name, nil
}

// config is the loopback connection under the identity, without a rate limit:
// priority and fairness limits it.
func (i *identity) config(loopback *rest.Config) *rest.Config {
	config := rest.CopyConfig(loopback)
	config.BearerToken = i.token
	config.QPS = -1
	return rest.AddUserAgent(config, i.user.Name)
}
