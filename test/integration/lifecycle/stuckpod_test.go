// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// https://github.com/kubernetes/kubernetes/issues/67250: with the real StatefulSet controller and scheduler.
func TestAMendedSpecReplacesThePodThatNeverStarted(t *testing.T) {
	t.Parallel()
	s := subject{cluster.Namespace(t), "files"}
	cluster.CreateDittoServer(t, s.namespace, s.name, func(server *dittofsv1alpha1.DittoServer) {
		server.Spec.NodeSelector = map[string]string{"example.com/node": "there-is-none"}
	})
	s.awaitCondition(t, dittofsv1alpha1.ConditionAvailable, metav1.ConditionFalse, "PodUnschedulable")
	pod := s.pod(t)
	s.patch(t, `{"spec":{"nodeSelector":null}}`)
	s.awaitNewPod(t, pod)
	s.awaitReady(t)
}
