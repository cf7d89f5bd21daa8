// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// Handover is what has to be applied before want; nil if nothing has to. owned is what client-go's Extract finds of ours in
// the live StatefulSet.
//
// The API server completes a probe that asks over plain HTTP with a scheme, which nobody owns. When mutual TLS makes it a
// probe that opens a connection, the scheme would stay behind, and the API server refuses a probe of two kinds. So we take
// the scheme for ours first. That changes nothing in the template, and restarts nothing.
func Handover(owned, want *appsv1ac.StatefulSetApplyConfiguration) (*appsv1ac.StatefulSetApplyConfiguration, error) {
	first, err := converted[appsv1ac.StatefulSetApplyConfiguration](owned)
	if err != nil {
		return nil, fmt.Errorf("copying what is ours of the StatefulSet: %w", err)
	}
	later := probesOf(want)
	taken := false
	for i, have := range probesOf(first) {
		if have.HTTPGet != nil && have.HTTPGet.Scheme == nil && len(later) > i && later[i].HTTPGet == nil {
			have.HTTPGet.WithScheme(corev1.URISchemeHTTP)
			taken = true
		}
	}
	if !taken {
		return nil, nil
	}
	return first, nil
}

// probesOf are the probes of dfs, in the same order for every StatefulSet that has them all.
func probesOf(set *appsv1ac.StatefulSetApplyConfiguration) []*corev1ac.ProbeApplyConfiguration {
	if set.Spec == nil || set.Spec.Template == nil || set.Spec.Template.Spec == nil {
		return nil
	}
	for i := range set.Spec.Template.Spec.Containers {
		c := &set.Spec.Template.Spec.Containers[i]
		if c.Name != nil && *c.Name == ContainerName && c.StartupProbe != nil && c.LivenessProbe != nil && c.ReadinessProbe != nil {
			return []*corev1ac.ProbeApplyConfiguration{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe}
		}
	}
	return nil
}
