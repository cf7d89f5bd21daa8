// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// claimTemplates returns the templates of the StatefulSet: those that it has, or those that the spec asks for.
func claimTemplates(server *v1alpha1.DittoServer, live []corev1.PersistentVolumeClaim) ([]*corev1ac.PersistentVolumeClaimApplyConfiguration, error) {
	if server.Spec.Storage.Ephemeral {
		if len(live) > 0 {
			return nil, field.Forbidden(field.NewPath("spec", "storage", "ephemeral"), fmt.Sprintf(
				"the StatefulSet %s exists with claim templates, and none can be taken away from it; delete the StatefulSet "+
					"(its claims and their data stay) to have it made anew", StatefulSetName(server.Name)))
		}
		return nil, nil
	}
	var templates []*corev1ac.PersistentVolumeClaimApplyConfiguration
	if live == nil {
		for _, c := range claims(server) {
			templates = append(templates, newClaimTemplate(server, c))
		}
		return templates, nil
	}
	if err := missingVolume(server, live); err != nil {
		return nil, err
	}
	for i := range live {
		template, err := liveClaimTemplate(&live[i])
		if err != nil {
			return nil, fmt.Errorf("claim template %s: %w", live[i].Name, err)
		}
		templates = append(templates, template)
	}
	return templates, nil
}

// newClaimTemplate writes out what the API server would add, because the list of templates is compared as one value.
// There are no labels: the StatefulSet controller puts those of the selector on each claim, and nothing else belongs there.
// And there is neither apiVersion nor kind: the API server has them in JSON and not in protobuf, which our readers speak.
func newClaimTemplate(server *v1alpha1.DittoServer, c claim) *corev1ac.PersistentVolumeClaimApplyConfiguration {
	template := &corev1ac.PersistentVolumeClaimApplyConfiguration{}
	return template.
		WithName(c.volume).
		WithSpec(claimSpec(server, c)).
		WithStatus(corev1ac.PersistentVolumeClaimStatus().WithPhase(corev1.ClaimPending))
}

// liveClaimTemplate arrives at the same value, whichever encoding the StatefulSet was read in.
func liveClaimTemplate(live *corev1.PersistentVolumeClaim) (*corev1ac.PersistentVolumeClaimApplyConfiguration, error) {
	return converted[corev1ac.PersistentVolumeClaimApplyConfiguration](live)
}

// missingVolume finds a volume that the spec asks for and the StatefulSet cannot have any more. Rendering the mount alone
// would be refused by the API server, and leaving it out would let dfs write to a place that is gone after a restart. The
// content volume is none of them: it can be an ordinary volume of the pod, and until then the place cannot be written to.
func missingVolume(server *v1alpha1.DittoServer, live []corev1.PersistentVolumeClaim) error {
	for _, c := range claims(server) {
		if c.volume == ContentVolume {
			continue
		}
		if !slices.ContainsFunc(live, func(t corev1.PersistentVolumeClaim) bool { return t.Name == c.volume }) {
			return field.Invalid(field.NewPath("spec", "storage", c.field), c.size.String(), fmt.Sprintf(
				"the StatefulSet %s exists without a claim template %s, and none can be added to it; delete the StatefulSet "+
					"(its claims and their data stay) to have it made anew", StatefulSetName(server.Name), c.volume))
		}
	}
	return nil
}
