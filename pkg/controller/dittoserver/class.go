// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/class"
	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// maxDifferences is how many a message tells.
const maxDifferences = 5

// conformance compares the server with its class as it is now, which may be
// narrower than when the server was created. It is for people: nothing that runs
// is changed because of it. Nil without a class.
func (p *pass) conformance(ctx context.Context) (*verdict, error) {
	if !p.stored.Spec.HasClass() {
		return nil, nil
	}
	name := *p.stored.Spec.ClassName
	found := &dittofsv1alpha1.DittoServerClass{}
	switch err := p.Servers.Get(ctx, client.ObjectKey{Name: name}, found); {
	case apierrors.IsNotFound(err):
		v := no(reasonClassNotFound, "the DittoServerClass %q is gone: the server runs on, and its spec cannot be changed; create the class again", name)
		return &v, nil
	case err != nil:
		return nil, fmt.Errorf("read the DittoServerClass %s: %w", name, err)
	}
	violations := class.Violations(&p.stored.Spec, &found.Spec)
	if len(violations) == 0 {
		v := yes(reasonWithinClass, "the class %q allows the server as it is", name)
		return &v, nil
	}
	var differences []string
	for i, violation := range violations {
		if i == maxDifferences {
			differences = append(differences, fmt.Sprintf("and %d more", len(violations)-maxDifferences))
			break
		}
		differences = append(differences, fmt.Sprintf("%s is %v, and the class %s", violation.Path, violation.Value, violation.Allowed))
	}
	v := no(reasonDiffersFromClass, "the server goes beyond the class %q, which was changed since, or overridden: %s; it runs on, and what is not changed stays allowed",
		name, strings.Join(differences, "; "))
	return &v, nil
}

// setConformance writes the one condition that not every server has.
func (v view) setConformance(conditions *[]metav1.Condition) {
	if v.conformance == nil {
		meta.RemoveStatusCondition(conditions, dittofsv1alpha1.ConditionClassConformant)
		return
	}
	meta.SetStatusCondition(conditions, metav1.Condition{
		Type:               dittofsv1alpha1.ConditionClassConformant,
		Status:             v.conformance.status,
		Reason:             v.conformance.reason,
		Message:            v.conformance.message,
		ObservedGeneration: v.server.Generation,
		LastTransitionTime: metav1.NewTime(v.now),
	})
}
