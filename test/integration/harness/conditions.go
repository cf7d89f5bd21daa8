// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AwaitCondition waits until a condition of a DittoServer, about its spec as it is now, has a status and one of the
// reasons, and returns its message. Without reasons any will do.
func (c *Cluster) AwaitCondition(t *testing.T, limit time.Duration, namespace, name, kind string, status metav1.ConditionStatus, reasons ...string) string {
	t.Helper()
	var message string
	what := fmt.Sprintf("%s of %s in %s is %s %s", kind, name, namespace, status, strings.Join(reasons, " or "))
	EventuallyWithin(t, limit, what, func(ctx context.Context) error {
		server, err := c.Admin.DittoServers(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		found := meta.FindStatusCondition(server.Status.Conditions, kind)
		if found == nil || found.Status != status || found.ObservedGeneration != server.Generation || len(reasons) > 0 && !slices.Contains(reasons, found.Reason) {
			return fmt.Errorf("generation %d has conditions %s", server.Generation, DescribeConditions(server.Status.Conditions))
		}
		message = found.Message
		return nil
	})
	return message
}

// DescribeConditions has a line for each condition.
func DescribeConditions(conditions []metav1.Condition) string {
	var out strings.Builder
	for _, c := range conditions {
		fmt.Fprintf(&out, "\n  %s=%s %s (generation %d): %s", c.Type, c.Status, c.Reason, c.ObservedGeneration, c.Message)
	}
	return out.String()
}
