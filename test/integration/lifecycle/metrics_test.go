// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// seriesOf are the lines of /metrics about one DittoServer.
func (s subject) seriesOf(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(metricsOf(t)) {
		if strings.HasPrefix(line, "dittofs_server_") && strings.Contains(line, fmt.Sprintf("namespace=%q", s.namespace)) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestEachServerHasMetricsForAsLongAsItLives(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	harness.Eventually(t, "the metrics of the server", func(context.Context) error {
		lines := s.seriesOf(t)
		for _, want := range []string{
			`dittofs_server_condition{name="files",namespace="` + s.namespace + `",status="true",type="Ready"} 1`,
			`dittofs_server_reconciles_total{name="files",namespace="` + s.namespace + `",result="success"}`,
			`dittofs_server_reconcile_seconds_total{`,
			`dittofs_server_dfs_requests_total{name="files",namespace="` + s.namespace + `",outcome="success"}`,
			`dittofs_server_dfs_last_success_age_seconds{`,
		} {
			if !strings.Contains(lines, want) {
				return fmt.Errorf("there is no %s in\n%s", want, lines)
			}
		}
		return nil
	})
	if err := cluster.Admin.DittoServers(s.namespace).Delete(t.Context(), s.name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.awaitGone(t)
	harness.Eventually(t, "its metrics are gone", func(context.Context) error {
		if lines := s.seriesOf(t); lines != "" {
			return errors.New(lines)
		}
		return nil
	})
}
