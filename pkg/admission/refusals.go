// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
	return apierrors.NewServiceUnavailable(fmt.Sprintf("%s of %s %q is not decided, try again: %s: %v",
		attributes.GetOperation(), attributes.GetResource().GroupResource(), attributes.GetName(), doing, err))
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
