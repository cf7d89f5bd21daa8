// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/standin"
)

// patience is how long a fault of dfs may take to be seen, told and, after growing pauses, found mended.
const patience = 5 * time.Minute

// U §8 scenario 1: upstream asks without pause.
func TestADFSAPIThatIsDownIsToldAndAskedWithGrowingPauses(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	before := s.parts(t)
	s.countAnew(t)
	s.breakDFS(t, standin.Fault{Mode: standin.FaultDown})
	began := time.Now()
	message := s.awaitConditionWithin(t, patience, dittofsv1alpha1.ConditionReady, metav1.ConditionUnknown, "DFSUnreachable")
	if !strings.Contains(message, "last answered at") {
		t.Errorf("the message does not say when it last answered: %s", message)
	}
	// The pod is what it is: only what dfs itself would say is unknown.
	s.awaitCondition(t, dittofsv1alpha1.ConditionAvailable, metav1.ConditionTrue, "PodReady")
	minutes := time.Since(began).Minutes()
	if total, list := s.requests(t); total == 0 || float64(total) > 6*minutes {
		t.Errorf("in %.1f minutes the broken API got %d requests, want a handful: %+v", minutes, total, list)
	}
	s.mendDFS(t)
	s.awaitReadyWithin(t, patience)
	before.expectUntouched(t, s)
}

func TestADatabaseThatIsDownIsTold(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	before := s.parts(t)
	s.breakDFS(t, standin.Fault{Mode: standin.FaultDatabaseDown})
	s.awaitCondition(t, dittofsv1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, "DatabaseUnreachable")
	s.awaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "DatabaseUnreachable")
	s.mendDFS(t)
	s.awaitReadyWithin(t, patience)
	before.expectUntouched(t, s)
}

func TestAnAdapterThatDoesNotServeIsTold(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	before := s.parts(t)
	s.breakDFS(t, standin.Fault{Mode: standin.FaultAdapterDown, Adapter: "nfs"})
	message := s.awaitCondition(t, dittofsv1alpha1.ConditionAdaptersReady, metav1.ConditionFalse, "AdapterNotServing")
	if !strings.Contains(message, "nfs") || strings.Contains(message, "smb") {
		t.Errorf("the message should name nfs alone: %s", message)
	}
	s.awaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "AdapterNotServing")
	s.mendDFS(t)
	s.awaitReadyWithin(t, patience)
	before.expectUntouched(t, s)
}

// U §8 scenario 2. The pod is restarted while the Secret holds another value, and nobody who remembers it is left.
func TestAJWTSecretThatIsNotThatOfTheProcessIsToldWithoutALoop(t *testing.T) {
	s := ownJWT(t)
	pod := s.pod(t)
	start := stopServer(t)
	putSecret(t, s.namespace, secondValue)
	cluster.Admin.Kubectl(s.namespace).Run(t, "delete", "pod", "files-0")
	s.awaitNewPod(t, pod)
	s.awaitDFS(t)
	putSecret(t, s.namespace, firstValue)
	before := s.parts(t)
	s.countAnew(t)
	began := time.Now()
	start()

	message := s.awaitCondition(t, dittofsv1alpha1.ConditionAuthenticated, metav1.ConditionFalse, "JWTSecretMismatch")
	if !strings.Contains(message, "mine") || !strings.Contains(message, "rollout restart") {
		t.Errorf("the message names neither the Secret nor the way out: %s", message)
	}
	s.awaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "JWTSecretMismatch")
	awaitRenewals(t, renewalsPerMinute)
	refused, total := 0, 0
	_, list := s.requests(t)
	for _, r := range list {
		total += r.Count
		if r.Status == 401 {
			refused += r.Count
		}
	}
	if minutes := time.Since(began).Minutes(); refused == 0 || float64(refused) > 6*minutes || float64(total) > 15*minutes {
		t.Errorf("in %.1f minutes the API got %d requests, %d of them with a token that it refuses: %+v", minutes, total, refused, list)
	}
	before.expectUntouched(t, s)

	cluster.Admin.Kubectl(s.namespace).Run(t, "rollout", "restart", "statefulset/files")
	s.awaitCondition(t, dittofsv1alpha1.ConditionAuthenticated, metav1.ConditionTrue, "TokenAccepted")
	s.awaitReady(t)
}
