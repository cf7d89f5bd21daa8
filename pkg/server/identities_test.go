// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"testing"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/rest"
)

func authorizerOf(i *identities) authorizer.Authorizer { return authorizer.AuthorizerFunc(i.authorize) }

func TestRightsOfTheControllers(t *testing.T) {
	known := newIdentities()
	servers := authorizer.AttributesRecord{APIGroup: "dittofs.io", APIVersion: "v1alpha1", Resource: "dittoservers", ResourceRequest: true}
	for name, c := range map[string]struct {
		user                        user.Info
		verb, subresource, resource string
		want                        authorizer.Decision
	}{
		"the controller watches":                            {user: known.controller.user, verb: "watch", want: authorizer.DecisionAllow},
		"the controller writes the status":                  {user: known.controller.user, verb: "patch", subresource: "status", want: authorizer.DecisionAllow},
		"the controller finalizes":                          {user: known.controller.user, verb: "update", subresource: "finalize", want: authorizer.DecisionAllow},
		"the controller does not change a spec":             {user: known.controller.user, verb: "update", want: authorizer.DecisionDeny},
		"the controller does not scale":                     {user: known.controller.user, verb: "update", subresource: "scale", want: authorizer.DecisionDeny},
		"the controller does not delete":                    {user: known.controller.user, verb: "delete", want: authorizer.DecisionDeny},
		"the controller watches classes":                    {user: known.controller.user, verb: "watch", resource: "dittoserverclasses", want: authorizer.DecisionAllow},
		"the controller does not change a class":            {user: known.controller.user, verb: "update", resource: "dittoserverclasses", want: authorizer.DecisionDeny},
		"the controller has no right to other kinds":        {user: known.controller.user, verb: "get", resource: "others", want: authorizer.DecisionDeny},
		"the sweeper deletes":                               {user: known.sweeper.user, verb: "delete", want: authorizer.DecisionAllow},
		"the sweeper does not create":                       {user: known.sweeper.user, verb: "create", want: authorizer.DecisionDeny},
		"of a user the host cluster decides":                {user: &user.DefaultInfo{Name: "jane"}, verb: "get", want: authorizer.DecisionNoOpinion},
		"the name alone is worth nothing":                   {user: &user.DefaultInfo{Name: userController}, verb: "get", want: authorizer.DecisionNoOpinion},
		"nobody at all is left to the delegated authorizer": {verb: "get", want: authorizer.DecisionNoOpinion},
	} {
		t.Run(name, func(t *testing.T) {
			request := servers
			request.User, request.Verb, request.Subresource = c.user, c.verb, c.subresource
			if c.resource != "" {
				request.Resource = c.resource
			}
			got, _, err := known.authorize(t.Context(), request)
			if err != nil || got != c.want {
				t.Errorf("decision %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestNeitherConnectionIsRateLimited(t *testing.T) {
	config := newIdentities().controller.config(&rest.Config{BearerToken: "of the privileged loopback"})
	if config.QPS != -1 || config.BearerToken == "of the privileged loopback" {
		t.Errorf("loopback: QPS %v, token %q", config.QPS, config.BearerToken)
	}
	host, err := loadHostConfig(kubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	if host.QPS != -1 || host.RateLimiter != nil {
		t.Errorf("host: QPS %v, limiter %v", host.QPS, host.RateLimiter)
	}
}
