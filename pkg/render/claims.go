// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// claim is a persistent volume that the spec asks for.
type claim struct {
	volume    string
	field     string // in spec.storage
	mountPath string
	size      resource.Quantity
}

// claims lists the volumes of a spec, in the order in which the claim templates have always been.
func claims(server *v1alpha1.DittoServer) []claim {
	var list []claim
	add := func(volume, field string, size *resource.Quantity) {
		if size != nil {
			list = append(list, claim{volume: volume, field: field, mountPath: mountPaths[volume], size: *size})
		}
	}
	add(metadataVolume, "metadataSize", server.Spec.Storage.MetadataSize)
	add(contentVolume, "contentSize", server.Spec.Storage.ContentSize)
	add(controlPlaneVolume, "controlPlaneSize", server.Spec.Storage.ControlPlaneSize)
	add(cacheVolume, "cacheSize", server.Spec.Storage.CacheSize)
	return list
}

// ClaimSizes is the wanted size of each claim, by the name of the claim, for patches that make claims grow: the templates of
// a StatefulSet cannot be changed. An ephemeral server has none.
func ClaimSizes(server *v1alpha1.DittoServer) map[string]resource.Quantity {
	server = withDefaults(server)
	sizes := map[string]resource.Quantity{}
	if server.Spec.Storage.Ephemeral {
		return sizes
	}
	for _, c := range claims(server) {
		sizes[ClaimName(c.volume, server.Name)] = c.size.DeepCopy()
	}
	return sizes
}

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

func claimSpec(server *v1alpha1.DittoServer, c claim) *corev1ac.PersistentVolumeClaimSpecApplyConfiguration {
	spec := corev1ac.PersistentVolumeClaimSpec().
		WithAccessModes(corev1.ReadWriteOnce).
		WithVolumeMode(corev1.PersistentVolumeFilesystem).
		WithResources(corev1ac.VolumeResourceRequirements().
			WithRequests(storedQuantities(corev1.ResourceList{corev1.ResourceStorage: c.size})))
	if class := server.Spec.Storage.StorageClassName; class != nil {
		spec.WithStorageClassName(*class)
	}
	return spec
}

// ContentClaim is the claim of a content volume that came after the StatefulSet: what the StatefulSet controller would have
// made of a template, so that it takes the claim for its own if the StatefulSet is ever made anew. It is for a create: the
// size grows by ClaimSizes. It is nil when the spec asks for no such claim.
func ContentClaim(server *v1alpha1.DittoServer) *corev1ac.PersistentVolumeClaimApplyConfiguration {
	server = withDefaults(server)
	if server.Spec.Storage.Ephemeral {
		return nil
	}
	for _, c := range claims(server) {
		if c.volume == contentVolume {
			return corev1ac.PersistentVolumeClaim(ClaimName(c.volume, server.Name), server.Namespace).
				WithLabels(SelectorLabels(server.Name)).
				WithSpec(claimSpec(server, c))
		}
	}
	return nil
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
		if c.volume == contentVolume {
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

// storedQuantities rounds as the API server does when it stores a list: up to a thousandth.
func storedQuantities(list corev1.ResourceList) corev1.ResourceList {
	stored := corev1.ResourceList{}
	for name, quantity := range list {
		quantity = quantity.DeepCopy()
		quantity.RoundUp(resource.Milli)
		stored[name] = quantity
	}
	return stored
}
