// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// reviewTimeout bounds all questions about one request.
const reviewTimeout = 10 * time.Second

// Right is what the requester must be allowed to do because of a field.
type Right struct {
	Verb     string
	Resource schema.GroupVersionResource
	// Kind is the resource as people call it.
	Kind string
	// Name of the object; empty for all objects of the namespace.
	Name string
	// Field that leads to the object, or in a few words what else does.
	Field string
}

func (r Right) String() string {
	text := "the verb " + r.Verb + " on "
	if r.Name == "" {
		text += r.Resource.GroupResource().String()
	} else {
		text += fmt.Sprintf("%s %q", r.Kind, r.Name)
	}
	return text + " (" + r.Field + ")"
}

// HasRight asks whether the requester has one right in the namespace of the request.
// A right without a name is one to all objects of that kind: its answer, which the
// authorizer keeps, spares those about single ones.
func HasRight(ctx context.Context, a authorizer.Authorizer, attributes admission.Attributes, right Right) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
	defer cancel()
	decision, _, err := authorize(ctx, a, attributes, right)
	if decision != authorizer.DecisionAllow && err != nil {
		return false, Unavailable(attributes, "asking whether you have "+right.String(), err)
	}
	return decision == authorizer.DecisionAllow, nil
}

func authorize(ctx context.Context, a authorizer.Authorizer, attributes admission.Attributes, right Right) (authorizer.Decision, string, error) {
	return a.Authorize(ctx, authorizer.AttributesRecord{
		User: attributes.GetUserInfo(), Verb: right.Verb, Namespace: attributes.GetNamespace(), Name: right.Name,
		APIGroup: right.Resource.Group, APIVersion: right.Resource.Version, Resource: right.Resource.Resource, ResourceRequest: true,
	})
}

// RequireRights asks whether the requester has the rights in the namespace of
// the request, and refuses with all that are missing. Whoever impersonates is
// asked about as the user that they impersonate. It fails closed: without an
// answer it is 503.
func RequireRights(ctx context.Context, a authorizer.Authorizer, attributes admission.Attributes, rights []Right) error {
	ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
	defer cancel()
	var missing []string
	for _, right := range mergeRights(rights) {
		decision, reason, err := authorize(ctx, a, attributes, right)
		switch {
		case decision == authorizer.DecisionAllow:
		case err != nil:
			return Unavailable(attributes, "asking whether you have "+right.String(), err)
		case reason != "":
			missing = append(missing, right.String()+": "+reason)
		default:
			missing = append(missing, right.String())
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return admission.NewForbidden(attributes, fmt.Errorf(
		"through a server nobody gets at more than they may themselves, and user %q lacks in namespace %s: %s. Ask for a Role with that, or leave out what needs it",
		attributes.GetUserInfo().GetName(), attributes.GetNamespace(), strings.Join(missing, "; ")))
}

// mergeRights has every question once, with all fields that lead to it.
func mergeRights(rights []Right) []Right {
	var merged []Right
	for _, right := range rights {
		same := func(r Right) bool {
			return r.Verb == right.Verb && r.Resource == right.Resource && r.Name == right.Name
		}
		if i := slices.IndexFunc(merged, same); i >= 0 {
			merged[i].Field += ", " + right.Field
		} else {
			merged = append(merged, right)
		}
	}
	return merged
}
