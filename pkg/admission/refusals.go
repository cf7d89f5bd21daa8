// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Unavailable is the answer of a plugin that fails closed and did not learn from
// the host cluster what it must know: 503, which a client may try again. It does
// not say after how long: client libraries would then try ten times by
// themselves, and a person at a terminal would wait for a minute to learn why.
func Unavailable(attributes admission.Attributes, doing string, err error) error {
	advice, why := "try again", ""
	switch {
	case apierrors.IsForbidden(err):
		// About us, not about the requester: nothing that they do changes it.
		advice, why = "and trying again does not help", "the host cluster forbids it to dittofs-apiserver itself; "+
			"apply the ClusterRole dittofs-apiserver of this release again, or change the policy or quota of the cluster that forbids it: "
	case errors.Is(err, context.DeadlineExceeded):
		why = "the host cluster does not answer in time: "
	}
	return apierrors.NewServiceUnavailable(fmt.Sprintf("%s of %s %q is not decided, %s: %s: %s%v",
		strings.ToLower(string(attributes.GetOperation())), attributes.GetResource().GroupResource(), nameOf(attributes), advice, doing, why, err))
}

// nameOf knows generated names too: those are not in the attributes.
func nameOf(attributes admission.Attributes) string {
	if name := attributes.GetName(); name != "" {
		return name
	}
	if object, err := meta.Accessor(attributes.GetObject()); err == nil {
		return object.GetName()
	}
	return ""
}

// Invalid is 422 with these errors, or nil if there are none.
func Invalid(server *dittofsv1alpha1.DittoServer, errs field.ErrorList) error {
	if len(errs) == 0 {
		return nil
	}
	return apierrors.NewInvalid(dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer").GroupKind(), server.Name, errs)
}

// InvalidByCauses is 422 with causes that another API server has worded.
func InvalidByCauses(server *dittofsv1alpha1.DittoServer, causes []metav1.StatusCause) error {
	if len(causes) == 0 {
		return nil
	}
	// What the library writes for these fields, without wording their values again.
	errs := make([]error, 0, len(causes))
	for _, cause := range causes {
		errs = append(errs, fmt.Errorf("%s: %s", cause.Field, cause.Message))
	}
	invalid := apierrors.NewInvalid(dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer").GroupKind(), server.Name, nil)
	invalid.ErrStatus.Details.Causes = causes
	invalid.ErrStatus.Message += ": " + utilerrors.NewAggregate(errs).Error()
	return invalid
}
