// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
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
	return c.auditSince(t, position, func([]byte) bool { return true })
}

func (c *Cluster) auditSince(t *testing.T, position int64, wanted func(line []byte) bool) []auditv1.Event {
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
	reader := bufio.NewReaderSize(file, 1<<20)
	for {
		line, err := reader.ReadBytes('\n')
		if err == io.EOF {
			return requests // a line that is being written has no end yet
		}
		if err != nil {
			t.Fatal(err)
		}
		if !wanted(line) {
			continue
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
	by := fmt.Appendf(nil, `"username":%q`, user)
	requests := c.auditSince(t, 0, func(line []byte) bool { return bytes.Contains(line, by) })
	return slices.DeleteFunc(requests, func(event auditv1.Event) bool { return event.User.Username != user })
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
	for _, request := range c.CarriedOut(t, namespace, "pods", "create") {
		if request.RequestObject == nil {
			continue
		}
		var pod metav1.PartialObjectMetadata
		if err := json.Unmarshal(request.RequestObject.Raw, &pod); err != nil {
			t.Fatalf("the audit log holds a pod that cannot be read: %v", err)
		}
		revisions = append(revisions, pod.Labels[appsv1.ControllerRevisionHashLabelKey])
	}
	return revisions
}

// CarriedOut returns the requests about a resource of a namespace, not its subresources, that changed something, whoever
// sent them. Only lines that are about it are decoded: the log of a long run has more than 100 MB.
func (c *Cluster) CarriedOut(t *testing.T, namespace, resource string, verbs ...string) (found []auditv1.Event) {
	t.Helper()
	about := fmt.Appendf(nil, `"resource":%q,"namespace":%q`, resource, namespace)
	for _, request := range c.auditSince(t, 0, func(line []byte) bool { return bytes.Contains(line, about) }) {
		ref, status := request.ObjectRef, request.ResponseStatus
		if ref != nil && ref.Resource == resource && ref.Namespace == namespace && ref.Subresource == "" && slices.Contains(verbs, request.Verb) &&
			status != nil && status.Code < 300 && !strings.Contains(request.RequestURI, "dryRun") {
			found = append(found, request)
		}
	}
	return found
}
