// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
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
	for _, volume := range v1alpha1.VolumeNames() {
		if size, field := server.Spec.Storage.VolumeSize(volume); size != nil {
			list = append(list, claim{volume: volume, field: field, mountPath: mountPaths[volume], size: *size})
		}
	}
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

// ContentClaim is the claim of a content volume that came after the StatefulSet: what the StatefulSet controller would have
// made of a template, so that it takes the claim for its own if the StatefulSet is ever made anew. It is for a create: the
// size grows by ClaimSizes. It is nil when the spec asks for no such claim.
func ContentClaim(server *v1alpha1.DittoServer) *corev1ac.PersistentVolumeClaimApplyConfiguration {
	server = withDefaults(server)
	if server.Spec.Storage.Ephemeral {
		return nil
	}
	for _, c := range claims(server) {
		if c.volume == ContentVolume {
			return corev1ac.PersistentVolumeClaim(ClaimName(c.volume, server.Name), server.Namespace).
				WithLabels(SelectorLabels(server.Name)).
				WithSpec(claimSpec(server, c))
		}
	}
	return nil
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
