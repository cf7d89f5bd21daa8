// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// ServerUser is whom our server is to kube-apiserver.
const ServerUser = "system:serviceaccount:dittofs-system:dittofs-apiserver"

// Requests returns what one user has asked of kube-apiserver until now, in the order of the answers. A watch is in
// it twice: when it begins and when it ends.
func (c *Cluster) Requests(t *testing.T, user string) []auditv1.Event {
	t.Helper()
	file, err := os.Open(c.Plane.AuditLogPath)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var events []auditv1.Event
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event auditv1.Event
		// The last line may be half written.
		if json.Unmarshal(lines.Bytes(), &event) == nil && event.User.Username == user {
			events = append(events, event)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return events
}
