// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package serverclass

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/warning"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/class"
	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

// holdToLimits refuses what goes beyond the class, unless the requester may.
func (p *Plugin) holdToLimits(ctx context.Context, attributes admission.Attributes,
	server, old *dittofsv1alpha1.DittoServer, found *dittofsv1alpha1.DittoServerClass) error {
	violations, err := violationsOf(server, old, found)
	if err != nil {
		return dittofsadmission.Unavailable(attributes, fmt.Sprintf("comparing with the DittoServerClass %q", found.Name), err)
	}
	if len(violations) == 0 {
		return nil
	}
	allowed, err := dittofsadmission.HasRight(ctx, p.authorizer, attributes, dittofsadmission.ClassRight(dittofsv1alpha1.VerbOverride, found.Name))
	if err != nil {
		return err
	}
	if allowed {
		warnOverridden(ctx, found, violations)
		return nil
	}
	var errs field.ErrorList
	for _, v := range violations {
		errs = append(errs, field.Invalid(v.Path, v.Value, fmt.Sprintf(
			"the class %q %s; ask somebody with the verb override on the class if you need another value", found.Name, v.Allowed)))
	}
	return dittofsadmission.Invalid(server, errs)
}

// violationsOf a change are those that it brings.
func violationsOf(server, old *dittofsv1alpha1.DittoServer, found *dittofsv1alpha1.DittoServerClass) ([]class.Violation, error) {
	violations := class.Violations(&server.Spec, &found.Spec)
	var before *dittofsv1alpha1.DittoServerSpec
	if old != nil {
		before = &old.Spec
		violations = class.New(violations, class.Violations(before, &found.Spec))
	}
	reserved, err := class.ReservedChanges(&server.Spec, before, &found.Spec)
	return append(violations, reserved...), err
}

func warnOverridden(ctx context.Context, found *dittofsv1alpha1.DittoServerClass, violations []class.Violation) {
	var paths []string
	for _, v := range violations {
		paths = append(paths, v.Path.String())
	}
	warning.AddWarning(ctx, "", fmt.Sprintf("%s: beyond what the class %q allows to others; you have the verb override on it",
		strings.Join(paths, ", "), found.Name))
}
