// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package adoption_test

import (
	"context"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// playCloud gives each Service of type LoadBalancer in a namespace an address, as the cloud of a real cluster does, until
// the test ends.
func playCloud(t *testing.T, namespace string) {
	t.Helper()
	services := cluster.Admin.Kube.CoreV1().Services(namespace)
	ctx, stop := context.WithCancel(t.Context())
	var cloud sync.WaitGroup
	t.Cleanup(cloud.Wait)
	t.Cleanup(stop)
	watch, err := services.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cloud.Go(func() {
		defer watch.Stop()
		for event := range watch.ResultChan() {
			service, ok := event.Object.(*corev1.Service)
			if !ok || service.Spec.Type != corev1.ServiceTypeLoadBalancer || len(service.Status.LoadBalancer.Ingress) > 0 {
				continue
			}
			patch := []byte(`{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.7"}]}}}`)
			_, err := services.Patch(ctx, service.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "cloud-controller-manager"}, "status")
			if err != nil && ctx.Err() == nil {
				t.Logf("the cloud cannot give Service %s an address: %v", service.Name, err)
			}
		}
	})
}
