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
