// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// balancerPatience is how long a load balancer may take before its absence is called trouble. Those of clouds take a minute.
const balancerPatience = 2 * time.Minute

// pendingBalancers are the Services of the server that wait for a load balancer, by name.
func (v view) pendingBalancers() []*corev1.Service {
	var pending []*corev1.Service
	for _, service := range append(slices.Clone(v.balancers), v.apiService) {
		if service != nil && service.Spec.Type == corev1.ServiceTypeLoadBalancer && balancerHost(service) == "" {
			pending = append(pending, service)
		}
	}
	slices.SortFunc(pending, func(a, b *corev1.Service) int { return strings.Compare(a.Name, b.Name) })
	return pending
}

// balancerVerdict says of load balancers that are waited for whether that is progress or trouble. recheck says when
// patience ends.
//
// It never makes the server not Ready: dfs serves, clients in the cluster reach it by the Service's name, and those outside
// by the ports that every node opens for a Service of this type. What is missing is the work of somebody else, in many
// clusters for ever; and LoadBalancer is what a spec gets that says nothing. So that it is not silent, it is Degraded.
func (v view) balancerVerdict() (waiting string, trouble verdict, found bool, recheck time.Duration) {
	var texts []string
	for _, service := range v.pendingBalancers() {
		texts = append(texts, v.balancerText(service))
		if left := balancerPatience - v.now.Sub(balancerSince(service)); left > 0 && (recheck == 0 || left < recheck) {
			recheck = left
		} else if left <= 0 {
			found = true
		}
	}
	waiting = strings.Join(texts, " ")
	if found {
		trouble = yes(reasonLoadBalancerPending, "%s", waiting)
	}
	return waiting, trouble, found, recheck
}

// balancerText says since when a load balancer is waited for, and what to do where none comes.
func (v view) balancerText(service *corev1.Service) string {
	field := "spec.adapterServices.type"
	if service.Name == render.APIServiceName(v.server.Name) {
		field = "spec.service.type"
	}
	return fmt.Sprintf("The load balancer of Service %s has been pending since %s. A cluster without load balancers never "+
		"provides one: set %s to NodePort or ClusterIP there.", service.Name, balancerSince(service).UTC().Format(time.RFC3339), field)
}

// balancerSince is when we last applied the Service: it may be older than its type.
func balancerSince(service *corev1.Service) time.Time {
	since := service.CreationTimestamp.Time
	for _, entry := range service.ManagedFields {
		if entry.Manager == dittofsv1alpha1.FieldManager && entry.Operation == metav1.ManagedFieldsOperationApply &&
			entry.Time != nil && entry.Time.After(since) {
			since = entry.Time.Time
		}
	}
	return since
}
