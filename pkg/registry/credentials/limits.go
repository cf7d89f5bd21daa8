// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/warning"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// VerbAdminister on dittoservers/credentials lets a requester ask for the role admin. It is a verb of its own, because
// create is what people give to a pipeline that lists adapters.
const VerbAdminister = "administer"

// invalid are the mistakes in a request. A life that is too long is refused, not shortened: whoever set it counts on it.
func (r *REST) invalid(ctx context.Context, out *dittofsv1alpha1.CredentialsRequest, limit Cap) field.ErrorList {
	errs := r.config.Scheme.Validate(ctx, nil, out)
	if asked := *out.Spec.ExpirationSeconds; len(errs) == 0 && asked > limit.seconds() {
		errs = append(errs, field.Invalid(field.NewPath("spec", "expirationSeconds"), asked,
			fmt.Sprintf("must be less than or equal to %d, by %s", limit.seconds(), limit.By)))
	}
	return errs
}

// seconds is the longest life of a token.
func (c Cap) seconds() int64 {
	if c.Duration <= 0 {
		return dittofsv1alpha1.MaxCredentialsSeconds
	}
	return min(int64(c.Duration.Seconds()), dittofsv1alpha1.MaxCredentialsSeconds)
}

// admits tells whether a role is within the cap.
func (c Cap) admits(server *dittofsv1alpha1.DittoServer, role dittofsv1alpha1.CredentialsRole) error {
	switch {
	case c.Role == dittofsv1alpha1.CredentialsAdmin, c.Role == dittofsv1alpha1.CredentialsOperator && role == c.Role:
		return nil
	case c.Role == "":
		return forbidden(server, fmt.Errorf("%s allows no tokens", c.By))
	}
	return forbidden(server, fmt.Errorf("spec.role: %s allows the role %s at most", c.By, c.Role))
}

// requireAdmin asks whether the requester may have an admin's token, and whether they could have signed one themselves:
// with the JWT secret anybody can.
func (r *REST) requireAdmin(ctx context.Context, caller user.Info, server *dittofsv1alpha1.DittoServer) error {
	group := dittofsv1alpha1.SchemeGroupVersion
	secret := r.config.Issuer.JWTSecret(server)
	rights := []struct {
		text string
		authorizer.AttributesRecord
	}{
		{fmt.Sprintf("the verb %s on dittoservers/credentials %q", VerbAdminister, server.Name), authorizer.AttributesRecord{
			Verb: VerbAdminister, APIGroup: group.Group, APIVersion: group.Version, Resource: "dittoservers", Subresource: "credentials", Name: server.Name,
		}},
		{fmt.Sprintf("the verb get on Secret %q", secret), authorizer.AttributesRecord{
			Verb: "get", APIVersion: "v1", Resource: "secrets", Name: secret,
		}},
	}
	var missing []string
	for _, right := range rights {
		right.User, right.Namespace, right.ResourceRequest = caller, server.Namespace, true
		decision, _, err := r.config.Authorizer.Authorize(ctx, right.AttributesRecord)
		switch {
		case decision == authorizer.DecisionAllow:
		case err != nil:
			return apierrors.NewServiceUnavailable(fmt.Sprintf("try again: asking whether you have %s: %v", right.text, err))
		default:
			missing = append(missing, right.text)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return forbidden(server, fmt.Errorf("spec.role: for an admin's token user %q lacks in namespace %s: %s",
		caller.GetName(), server.Namespace, strings.Join(missing, "; ")))
}

func forbidden(server *dittofsv1alpha1.DittoServer, why error) error {
	return apierrors.NewForbidden(dittofsv1alpha1.Resource("dittoservers/credentials"), server.Name, why)
}

// warnOfMismatch says that the token may not work. A process reads the JWT secret once, and we sign with the one of now.
func warnOfMismatch(ctx context.Context, server *dittofsv1alpha1.DittoServer) {
	found := meta.FindStatusCondition(server.Status.Conditions, dittofsv1alpha1.ConditionAuthenticated)
	if found != nil && found.Status == metav1.ConditionFalse {
		warning.AddWarning(ctx, "", "the server may refuse this token: "+found.Message)
	}
}
