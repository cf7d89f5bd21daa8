// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package storageclass

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/utils/ptr"
)

// checkGrowth returns why a volume cannot grow, or nil. The claim knows its class
// best: it was made with the class that was the default at that time.
func (p *Plugin) checkGrowth(ctx context.Context, classes *classes, namespace string, volume volume) (*field.Error, error) {
	claim, err := p.claim(ctx, namespace, volume.claim)
	if err != nil {
		return nil, err
	}
	name := volume.class
	if claim != nil {
		if claim.Spec.Resources.Requests.Storage().Cmp(volume.size) >= 0 {
			// The spec catches up with a claim that somebody made larger.
			return nil, nil
		}
		if claim.Spec.StorageClassName != nil {
			name = claim.Spec.StorageClassName
		}
	}
	if name == nil {
		class := classes.byDefault()
		if class == nil {
			return nil, nil
		}
		name = &class.Name
		if volume.claim == "" {
			warnOfDefault(ctx, volume, *name, ptr.Deref(class.AllowVolumeExpansion, false))
			return nil, nil
		}
	}
	if *name == "" {
		return refusal(volume, "the volume has no StorageClass, and only one with allowVolumeExpansion lets volumes grow"), nil
	}
	class, err := classes.get(ctx, *name)
	switch {
	case err != nil:
		return nil, err
	case class == nil:
		return refusal(volume, fmt.Sprintf("its StorageClass %q does not exist any more, and without it the volume cannot grow", *name)), nil
	case !ptr.Deref(class.AllowVolumeExpansion, false):
		return refusal(volume, fmt.Sprintf("its StorageClass %q does not let volumes grow; if its driver can, set allowVolumeExpansion: true on it", *name)), nil
	}
	return nil, nil
}

func refusal(volume volume, why string) *field.Error {
	return field.Invalid(volume.sizePath, volume.size.String(), fmt.Sprintf("%s; leave it at %s", why, volume.was.String()))
}

// warnOfDefault is for a volume of which only the present default can be told.
// It may have been made by another: a refusal could be wrong, and nothing in the
// spec would get around it.
func warnOfDefault(ctx context.Context, volume volume, name string, grows bool) {
	if !grows {
		warning.AddWarning(ctx, "", fmt.Sprintf(
			"%s: the default StorageClass %q does not let volumes grow (allowVolumeExpansion is not true): if the volume was made with it, it stays at %s",
			volume.sizePath, name, volume.was.String()))
	}
}

// claim returns nil if there is none yet.
func (p *Plugin) claim(ctx context.Context, namespace, name string) (*corev1.PersistentVolumeClaim, error) {
	if name == "" {
		return nil, nil
	}
	claim, err := p.client.CoreV1().PersistentVolumeClaims(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get claim %s/%s: %w", namespace, name, err)
	}
	return claim, nil
}
