// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package serverclass

import (
	"context"
	"fmt"

	"k8s.io/apiserver/pkg/admission"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

func (p *Plugin) mayUse(ctx context.Context, attributes admission.Attributes, class string) error {
	right := dittofsadmission.ClassRight(dittofsv1alpha1.VerbUse, class)
	allowed, err := dittofsadmission.HasRight(ctx, p.authorizer, attributes, right)
	if err != nil || allowed {
		return err
	}
	return admission.NewForbidden(attributes, fmt.Errorf(
		"user %q lacks in namespace %s: %s. Ask for a RoleBinding with that, or name a class that you may use",
		attributes.GetUserInfo().GetName(), attributes.GetNamespace(), right))
}

// mayDoWithout is about a server without a class. Where a class is the default,
// doing without is going beyond all of its limits.
func (p *Plugin) mayDoWithout(ctx context.Context, attributes admission.Attributes, server, old *dittofsv1alpha1.DittoServer) error {
	if old != nil || server.Spec.ClassName == nil {
		// It was so before, or there was no default a moment ago.
		return nil
	}
	lookup, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	chosen, err := p.classes.Default(lookup)
	if err != nil {
		return dittofsadmission.Unavailable(attributes, "looking for the default DittoServerClass", err)
	}
	if chosen == nil {
		return nil
	}
	right := dittofsadmission.ClassRight(dittofsv1alpha1.VerbOverride, chosen.Name)
	allowed, err := dittofsadmission.HasRight(ctx, p.authorizer, attributes, right)
	if err != nil || allowed {
		return err
	}
	return admission.NewForbidden(attributes, fmt.Errorf(
		"spec.className is empty, which goes around the default class, and user %q lacks in namespace %s: %s. Leave spec.className out, or name a class that you may use",
		attributes.GetUserInfo().GetName(), attributes.GetNamespace(), right))
}
