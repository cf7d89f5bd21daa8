// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

const (
	// dfsUser is the user and group that the image is built for.
	dfsUser int64 = 65532
	// shutdownMargin is what dfs takes for itself after its stages, 5 s, and some air.
	shutdownMargin = 10 * time.Second
)

// podSpec meets the restricted Pod Security Standard, unless the user's security contexts say otherwise.
func podSpec(server *v1alpha1.DittoServer, in Inputs, volumes map[string]bool, contentLater bool) (*corev1ac.PodSpecApplyConfiguration, error) {
	container, err := dfsContainer(server, in, volumes)
	if err != nil {
		return nil, err
	}
	list, err := podVolumes(server, contentLater)
	if err != nil {
		return nil, err
	}
	security, err := podSecurityContext(server)
	if err != nil {
		return nil, err
	}
	grace, err := terminationGraceSeconds(server)
	if err != nil {
		return nil, err
	}
	pod := corev1ac.PodSpec().
		// dfs does not call the Kubernetes API.
		WithAutomountServiceAccountToken(false).
		// A Service named dittofs-controlplane would set DITTOFS_CONTROLPLANE_PORT=tcp://..., which dfs takes for its own
		// configuration and exits.
		WithEnableServiceLinks(false).
		WithTerminationGracePeriodSeconds(grace).
		WithSecurityContext(security).
		WithContainers(container).
		WithVolumes(list...)
	return pod, placePod(server, pod)
}

// placePod says where the pod runs, as whom, and what it is pulled with. What the spec leaves out is the cluster's.
func placePod(server *v1alpha1.DittoServer, pod *corev1ac.PodSpecApplyConfiguration) error {
	spec := &server.Spec
	pod.WithNodeSelector(spec.NodeSelector)
	if spec.ServiceAccountName != "" {
		// The API server copies the name to the older field, and back when the name is taken away: who does not own both
		// never gets rid of it.
		pod.WithServiceAccountName(spec.ServiceAccountName).WithDeprecatedServiceAccount(spec.ServiceAccountName)
	}
	if spec.PriorityClassName != "" {
		pod.WithPriorityClassName(spec.PriorityClassName)
	}
	for _, ref := range spec.ImagePullSecrets {
		pod.WithImagePullSecrets(corev1ac.LocalObjectReference().WithName(ref.Name))
	}
	tolerations, err := convertedList[corev1ac.TolerationApplyConfiguration](spec.Tolerations)
	if err != nil {
		return fmt.Errorf("spec.tolerations: %w", err)
	}
	spread, err := convertedList[corev1ac.TopologySpreadConstraintApplyConfiguration](spec.TopologySpreadConstraints)
	if err != nil {
		return fmt.Errorf("spec.topologySpreadConstraints: %w", err)
	}
	if spec.Affinity != nil {
		affinity, err := converted[corev1ac.AffinityApplyConfiguration](spec.Affinity)
		if err != nil {
			return fmt.Errorf("spec.affinity: %w", err)
		}
		pod.WithAffinity(affinity)
	}
	pod.WithTolerations(tolerations...).WithTopologySpreadConstraints(spread...)
	return nil
}

// terminationGraceSeconds lets dfs finish: the sleep before it is told, three stages, and a margin.
func terminationGraceSeconds(server *v1alpha1.DittoServer) (int64, error) {
	if seconds := server.Spec.TerminationGracePeriodSeconds; seconds != nil {
		return *seconds, nil
	}
	stage, err := shutdownTimeout(server)
	if err != nil {
		return 0, err
	}
	whole := 3*stage + shutdownMargin
	return preStopSeconds + int64((whole+time.Second-1)/time.Second), nil
}

func podSecurityContext(server *v1alpha1.DittoServer) (*corev1ac.PodSecurityContextApplyConfiguration, error) {
	security, err := overlaid(corev1ac.PodSecurityContext().
		WithRunAsNonRoot(true).
		WithRunAsUser(dfsUser).
		WithRunAsGroup(dfsUser).
		WithFSGroup(dfsUser).
		// Always would walk every file of a large volume at each start, within the time of the startup probe.
		WithFSGroupChangePolicy(corev1.FSGroupChangeOnRootMismatch).
		WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault)), server.Spec.PodSecurityContext)
	if err != nil {
		return nil, fmt.Errorf("spec.podSecurityContext: %w", err)
	}
	return security, nil
}
