// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// startupProbe allows an hour. dfs opens its port only when every share is loaded, and waits about 160 s for each S3 remote
// that does not answer: a shorter budget turns somebody else's outage into a crash loop.
func startupProbe(server *v1alpha1.DittoServer) *corev1ac.ProbeApplyConfiguration {
	return probe(server, "/health", 10, 360)
}

// livenessProbe asks whether the process answers. /health is 200 with a database that is down too: a restart would not help.
func livenessProbe(server *v1alpha1.DittoServer) *corev1ac.ProbeApplyConfiguration {
	return probe(server, "/health", 10, 3)
}

func readinessProbe(server *v1alpha1.DittoServer) *corev1ac.ProbeApplyConfiguration {
	return probe(server, "/health/ready", 5, 3)
}

func probe(server *v1alpha1.DittoServer, path string, periodSeconds, failures int32) *corev1ac.ProbeApplyConfiguration {
	probe := corev1ac.Probe().
		WithPeriodSeconds(periodSeconds).
		// /health waits up to 2 s for the database.
		WithTimeoutSeconds(5).
		WithFailureThreshold(failures)
	port := intstr.FromString(apiPortName)
	if mutualTLS(server) {
		// The kubelet has no certificate to show. That the port takes connections means that every share was looked at.
		return probe.WithTCPSocket(corev1ac.TCPSocketAction().WithPort(port))
	}
	get := corev1ac.HTTPGetAction().WithPath(path).WithPort(port)
	if nativeTLS(server) {
		get.WithScheme(corev1.URISchemeHTTPS)
	}
	return probe.WithHTTPGet(get)
}
