// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestADeleteRemovesWhatRunsAndKeepsWhatHoldsData(t *testing.T) {
	t.Parallel()
	for _, cascade := range []string{"background", "foreground"} {
		t.Run(cascade, func(t *testing.T) {
			t.Parallel()
			s := sample(t, cluster.Namespace(t))
			s.awaitReady(t)
			before := s.parts(t)
			cluster.Admin.Kubectl(s.namespace).Run(t, "delete", "dittoserver", s.name, "--cascade="+cascade, "--timeout=3m")
			s.awaitGone(t)
			// At once: who waits for the delete may create a server of the same name right after it.
			if got := s.parts(t).names(); !slices.Equal(got, sampleData) {
				t.Errorf("after the delete there are %v, want %v", got, sampleData)
			}
			before.without("configmaps/", "pods/", "services/", "statefulsets/").expectSame(t, s)
		})
	}
}

func TestADeleteWithOrphanLeavesEverything(t *testing.T) {
	t.Parallel()
	s := sample(t, cluster.Namespace(t))
	s.awaitReady(t)
	before := s.parts(t)
	cluster.Admin.Kubectl(s.namespace).Run(t, "delete", "dittoserver", s.name, "--cascade=orphan", "--timeout=3m")
	s.awaitGone(t)
	awaitControllers(t)
	before.expectUntouched(t, s)
}

// server.md 1: the garbage collector takes the finalizer orphan away within milliseconds, so that controllers that are
// behind see a plain delete.
func TestADeleteWithOrphanWhileControllersAreAwayLeavesEverything(t *testing.T) {
	s := sample(t, cluster.Namespace(t))
	s.awaitReady(t)
	plain := newSubject(t)
	before := s.parts(t)
	restartWith(t, "--controllers=-*")
	for _, victim := range []subject{s, plain} {
		cascade := map[bool]string{true: "orphan", false: "background"}[victim == s]
		cluster.Admin.Kubectl(victim.namespace).Run(t, "delete", "dittoserver", victim.name, "--cascade="+cascade, "--wait=false")
	}
	// The collector has done its part when only our own finalizer is left.
	s.awaitFinalizers(t, "dittofs.io/teardown")
	plain.awaitFinalizers(t, "dittofs.io/teardown")
	before.expectUntouched(t, s)

	reinstall(t)
	s.awaitGone(t)
	plain.awaitGone(t)
	awaitControllers(t)
	before.expectUntouched(t, s)
	plain.awaitParts(t, []string{
		"persistentvolumeclaims/controlplane-files-0", "persistentvolumeclaims/metadata-files-0",
		"secrets/files-admin-bootstrap-credentials", "secrets/files-jwt-secret",
	})
}

func TestDeletingACollectionTreatsEachServerAsAsked(t *testing.T) {
	t.Parallel()
	for _, propagation := range []metav1.DeletionPropagation{metav1.DeletePropagationOrphan, metav1.DeletePropagationBackground} {
		t.Run(string(propagation), func(t *testing.T) {
			t.Parallel()
			namespace := cluster.Namespace(t)
			servers := []subject{{namespace, "one"}, {namespace, "two"}}
			for _, s := range servers {
				cluster.CreateDittoServer(t, namespace, s.name)
			}
			before := map[subject]parts{}
			for _, s := range servers {
				s.awaitReady(t)
				before[s] = s.parts(t)
			}
			err := cluster.Admin.DittoServers(namespace).DeleteCollection(t.Context(),
				metav1.DeleteOptions{PropagationPolicy: &propagation}, metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range servers {
				s.awaitGone(t)
			}
			awaitControllers(t)
			for _, s := range servers {
				if propagation == metav1.DeletePropagationOrphan {
					before[s].expectUntouched(t, s)
				} else {
					before[s].without("configmaps/", "pods/", "services/", "statefulsets/").expectSame(t, s)
				}
			}
		})
	}
}

func TestAServerOfOrphanedPartsIsAdoptedWithoutARestart(t *testing.T) {
	t.Parallel()
	s := sample(t, cluster.Namespace(t))
	s.awaitReady(t)
	before := s.parts(t)
	cluster.Admin.Kubectl(s.namespace).Run(t, "delete", "dittoserver", s.name, "--cascade=orphan", "--timeout=3m")
	s = sample(t, s.namespace)
	s.awaitReady(t)
	before.expectSame(t, s)
	s.expectAdopted(t)
}
