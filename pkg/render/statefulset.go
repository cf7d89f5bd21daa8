// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	appsv1 "k8s.io/api/apps/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// statefulSet runs dfs. A StatefulSet never has two pods of one name at once, which is what keeps two dfs processes off the
// same volumes. Update strategy and pod management are not set: they are the caller's, for a rollout that waits.
func statefulSet(server *v1alpha1.DittoServer, in Inputs) (*appsv1ac.StatefulSetApplyConfiguration, error) {
	templates, err := claimTemplates(server, in.LiveClaimTemplates)
	if err != nil {
		return nil, err
	}
	volumes, contentLater := dataVolumes(server, in, templates)
	if err := fileWithoutVolume(server, volumes); err != nil {
		return nil, err
	}
	pod, err := podSpec(server, in, volumes, contentLater)
	if err != nil {
		return nil, err
	}
	return appsv1ac.StatefulSet(StatefulSetName(server.Name), server.Namespace).
		WithLabels(allLabels(server)).
		WithSpec(appsv1ac.StatefulSetSpec().
			WithReplicas(*server.Spec.Replicas).
			WithServiceName(HeadlessServiceName(server.Name)).
			WithSelector(metav1ac.LabelSelector().WithMatchLabels(SelectorLabels(server.Name))).
			WithTemplate(corev1ac.PodTemplateSpec().
				WithLabels(podLabels(server)).
				WithAnnotations(mergedMaps(server.Spec.PodAnnotations,
					map[string]string{v1alpha1.AnnotationConfigHash: in.ConfigHash})).
				WithSpec(pod)).
			WithVolumeClaimTemplates(templates...).
			// Said aloud: the data outlives the server, whatever a cluster's default becomes. A delete that is to take the
			// claims along does so by itself, and last.
			WithPersistentVolumeClaimRetentionPolicy(appsv1ac.StatefulSetPersistentVolumeClaimRetentionPolicy().
				WithWhenDeleted(appsv1.RetainPersistentVolumeClaimRetentionPolicyType).
				WithWhenScaled(appsv1.PersistentVolumeClaimRetentionPolicyType(server.Spec.Storage.WhenScaled)))), nil
}

// dataVolumes are the volumes of the pod that data lives on. Those that the StatefulSet has a template for are among them,
// whether the spec asks for them or not: they may have data. contentLater says that the content volume is none of those.
func dataVolumes(server *v1alpha1.DittoServer, in Inputs, templates []*corev1ac.PersistentVolumeClaimApplyConfiguration) (volumes map[string]bool, contentLater bool) {
	volumes = make(map[string]bool, len(claimVolumes))
	for _, t := range templates {
		volumes[*t.Name] = true
	}
	storage := server.Spec.Storage
	switch {
	case storage.Ephemeral:
		for _, c := range claims(server) {
			volumes[c.volume] = true
		}
	case in.ContentClaimLater && storage.ContentSize != nil && !volumes[ContentVolume]:
		contentLater, volumes[ContentVolume] = true, true
	}
	if storage.CacheSize == nil {
		// A cache has nothing to lose, and no server that had none before gets a restart for it.
		delete(volumes, cacheVolume)
	}
	return volumes, contentLater
}

// podLabels leave the UID of the DittoServer out: see ObjectLabels. Ours win over those of the user.
func podLabels(server *v1alpha1.DittoServer) map[string]string {
	return mergedMaps(mergedMaps(server.Spec.PodLabels, SelectorLabels(server.Name)), map[string]string{
		v1alpha1.LabelManagedBy: v1alpha1.ManagedBy,
		v1alpha1.LabelServer:    server.Name,
	})
}
