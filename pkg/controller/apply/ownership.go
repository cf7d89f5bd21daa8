// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Ours says that an object was made for the DittoServer of this name. The UID of the DittoServer is not asked for: after
// the loss of our store the same manifest has another one, and finds its objects by name.
//
// An object that lost one of the two labels is still ours if it carries the UID of the DittoServer (no UID asks for the
// labels alone) and we have applied it: else a label that somebody removes would detach a running part for good.
//
// An object that the DittoFS operator holds is not ours, whatever its labels say: see HeldUpstream.
func Ours(obj metav1.Object, server string, uid types.UID) bool {
	return !HeldUpstream(obj) && Labelled(obj, server, uid)
}

// Labelled is Ours without a look at the DittoFS operator.
func Labelled(obj metav1.Object, server string, uid types.UID) bool {
	labels := obj.GetLabels()
	if labels[dittofsv1alpha1.LabelManagedBy] == dittofsv1alpha1.ManagedBy && labels[dittofsv1alpha1.LabelServer] == server {
		return true
	}
	return uid != "" && labels[dittofsv1alpha1.LabelServerUID] == string(uid) && Applied(obj)
}

// Applied says that we have applied an object. A copy that somebody makes of one has its labels, and not this.
func Applied(obj metav1.Object) bool {
	return slices.ContainsFunc(obj.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool {
		return entry.Manager == dittofsv1alpha1.FieldManager && entry.Operation == metav1.ManagedFieldsOperationApply
	})
}

// DescribeOwner says in a few words who has an object: its controller, the DittoServer it carries the label of, or
// those who last wrote it.
func DescribeOwner(obj metav1.Object) string {
	if ref := metav1.GetControllerOf(obj); ref != nil {
		return fmt.Sprintf("controlled by %s %s (%s)", ref.Kind, ref.Name, ref.APIVersion)
	}
	labels := obj.GetLabels()
	if by := labels[dittofsv1alpha1.LabelManagedBy]; by == dittofsv1alpha1.ManagedBy {
		return fmt.Sprintf("made for the DittoServer %q", labels[dittofsv1alpha1.LabelServer])
	} else if by != "" {
		return "managed by " + by
	}
	var managers []string
	for _, entry := range obj.GetManagedFields() {
		if entry.Subresource == "" && entry.Manager != "" && !slices.Contains(managers, entry.Manager) {
			managers = append(managers, entry.Manager)
		}
	}
	if len(managers) == 0 {
		return "of an unknown owner"
	}
	return "written by " + strings.Join(managers, ", ")
}

// IsReplaced says that an apply found another object than the one it was meant for, or fields of somebody else: looking
// again shows whose it is. The API calls another UID an immutable field, and a missing object a conflict.
func IsReplaced(err error) bool {
	if apierrors.IsConflict(err) {
		return true
	}
	var status apierrors.APIStatus
	if !apierrors.IsInvalid(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}
	return slices.ContainsFunc(status.Status().Details.Causes, func(c metav1.StatusCause) bool { return c.Field == "metadata.uid" })
}
