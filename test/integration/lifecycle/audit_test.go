// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"testing"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

func auditPosition(t *testing.T) int64 { t.Helper(); return cluster.AuditPosition(t) }

func auditSince(t *testing.T, position int64) []auditv1.Event {
	t.Helper()
	return cluster.AuditSince(t, position)
}

func podsCreated(t *testing.T, namespace string) int {
	t.Helper()
	return cluster.PodsCreated(t, namespace)
}

func rollouts(t *testing.T, namespace string) int { t.Helper(); return cluster.Rollouts(t, namespace) }
