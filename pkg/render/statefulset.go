// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
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
	volumes := make(map[string]bool, len(templates))
	for _, t := range templates {
		volumes[*t.Name] = true
	}
	pod, err := podSpec(server, in, volumes)
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
				WithAnnotations(map[string]string{v1alpha1.AnnotationConfigHash: in.ConfigHash}).
				WithSpec(pod)).
			WithVolumeClaimTemplates(templates...).
			// The default, said aloud: the data outlives the server, whatever a cluster's default becomes.
			WithPersistentVolumeClaimRetentionPolicy(appsv1ac.StatefulSetPersistentVolumeClaimRetentionPolicy().
				WithWhenDeleted(appsv1.RetainPersistentVolumeClaimRetentionPolicyType).
				WithWhenScaled(appsv1.RetainPersistentVolumeClaimRetentionPolicyType))), nil
}

// podLabels leave the UID of the DittoServer out: see ObjectLabels.
func podLabels(server *v1alpha1.DittoServer) map[string]string {
	labels := SelectorLabels(server.Name)
	labels[v1alpha1.LabelManagedBy] = v1alpha1.ManagedBy
	labels[v1alpha1.LabelServer] = server.Name
	return labels
}

// podSpec meets the restricted Pod Security Standard.
func podSpec(server *v1alpha1.DittoServer, in Inputs, volumes map[string]bool) (*corev1ac.PodSpecApplyConfiguration, error) {
	container, err := dfsContainer(server, in, volumes)
	if err != nil {
		return nil, err
	}
	return corev1ac.PodSpec().
		// dfs does not call the Kubernetes API.
		WithAutomountServiceAccountToken(false).
		// A Service named dittofs-controlplane would set DITTOFS_CONTROLPLANE_PORT=tcp://..., which dfs takes for its own
		// configuration and exits.
		WithEnableServiceLinks(false).
		WithTerminationGracePeriodSeconds(terminationGraceSeconds).
		WithSecurityContext(podSecurityContext()).
		WithContainers(container).
		WithVolumes(
			corev1ac.Volume().WithName(configVolume).
				WithConfigMap(corev1ac.ConfigMapVolumeSource().WithName(ConfigMapName(server.Name))),
			corev1ac.Volume().WithName(tmpVolume).
				WithEmptyDir(corev1ac.EmptyDirVolumeSource()),
		), nil
}

func podSecurityContext() *corev1ac.PodSecurityContextApplyConfiguration {
	return corev1ac.PodSecurityContext().
		WithRunAsNonRoot(true).
		WithRunAsUser(dfsUser).
		WithRunAsGroup(dfsUser).
		WithFSGroup(dfsUser).
		// Always would walk every file of a large volume at each start, within the time of the startup probe.
		WithFSGroupChangePolicy(corev1.FSGroupChangeOnRootMismatch).
		WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))
}
