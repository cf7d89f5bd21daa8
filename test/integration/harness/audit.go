// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// ServerUser is whom our server is to kube-apiserver.
const ServerUser = "system:serviceaccount:dittofs-system:dittofs-apiserver"

// AuditPosition is where the audit log of kube-apiserver ends now.
func (c *Cluster) AuditPosition(t *testing.T) int64 {
	t.Helper()
	info, err := os.Stat(c.Plane.AuditLogPath)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// AuditSince returns the requests that were answered since a position, in the order of their answers. A watch is in it
// twice: when it begins and when it ends.
func (c *Cluster) AuditSince(t *testing.T, position int64) []auditv1.Event {
	t.Helper()
	file, err := os.Open(c.Plane.AuditLogPath)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Size() < position {
		t.Fatalf("the audit log was rotated in the middle of a test (%v)", err)
	}
	if _, err := file.Seek(position, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	var requests []auditv1.Event
	reader := bufio.NewReader(file)
	for {
		line, err := reader.ReadBytes('\n')
		if err == io.EOF {
			return requests // a line that is being written has no end yet
		}
		if err != nil {
			t.Fatal(err)
		}
		var request auditv1.Event
		if err := json.Unmarshal(line, &request); err != nil {
			t.Fatalf("the audit log holds %q: %v", line, err)
		}
		requests = append(requests, request)
	}
}

// Requests returns what one user has asked of kube-apiserver until now.
func (c *Cluster) Requests(t *testing.T, user string) []auditv1.Event {
	t.Helper()
	return slices.DeleteFunc(c.AuditSince(t, 0), func(event auditv1.Event) bool { return event.User.Username != user })
}

// PodsCreated counts the pods that there ever were in a namespace.
func (c *Cluster) PodsCreated(t *testing.T, namespace string) int {
	t.Helper()
	return len(c.podRevisions(t, namespace))
}

// Rollouts counts the revisions that the pods of a namespace went through. It is not the number of pods: a StatefulSet
// controller whose cache is behind makes a deleted pod once more of the old revision, and replaces that one too.
func (c *Cluster) Rollouts(t *testing.T, namespace string) int {
	t.Helper()
	return len(slices.Compact(c.podRevisions(t, namespace)))
}

// podRevisions are the revisions of the pods that there ever were in a namespace, in the order of their creation.
func (c *Cluster) podRevisions(t *testing.T, namespace string) (revisions []string) {
	t.Helper()
	for _, request := range c.AuditSince(t, 0) {
		ref := request.ObjectRef
		if request.Verb == "create" && ref != nil && ref.Resource == "pods" && ref.Subresource == "" && ref.Namespace == namespace &&
			request.ResponseStatus != nil && request.ResponseStatus.Code == 201 && request.RequestObject != nil {
			var pod metav1.PartialObjectMetadata
			if err := json.Unmarshal(request.RequestObject.Raw, &pod); err != nil {
				t.Fatalf("the audit log holds a pod that cannot be read: %v", err)
			}
			revisions = append(revisions, pod.Labels[appsv1.ControllerRevisionHashLabelKey])
		}
	}
	return revisions
}
