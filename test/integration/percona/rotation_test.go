// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package percona_test

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// dfs reads the password and the CA at its start. With another CA it does not reach its database until then.
func TestWhatTheOperatorRotatesIsOneRestartEach(t *testing.T) {
	t.Parallel()
	s := readyOnPercona(t)
	database := s.AwaitDFS(t).Database
	rotate := func(secret, key string) {
		t.Helper()
		patch := fmt.Appendf(nil, `{"stringData":{%q:"another"}}`, key)
		if _, err := cluster.Admin.Kube.CoreV1().Secrets(s.Namespace).Patch(t.Context(), secret, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for secret, key := range map[string]string{"files-postgres-pguser-dittofs": "password", "files-postgres-cluster-cert": "ca.crt"} {
		pod := s.Pod(t)
		rotate(secret, key)
		s.AwaitNewPod(t, pod)
		s.AwaitReady(t)
	}
	// The key of PostgreSQL itself is in that Secret too, and nothing of ours.
	pod := s.Pod(t)
	rotate("files-postgres-cluster-cert", "tls.key")
	s.Patch(t, `{"spec":{"service":{"annotations":{"example.com/a":"b"}}}}`)
	s.AwaitReady(t)
	if now := s.Pod(t); now.UID != pod.UID {
		t.Error("the key of PostgreSQL, which dfs never sees, restarted it")
	}
	if n := cluster.Rollouts(t, s.Namespace); n != 3 {
		t.Errorf("the pods had %d revisions, want the first and one for each Secret", n)
	}
	if now := s.AwaitDFS(t).Database; now != database {
		t.Errorf("dfs runs on %s, and ran on %s", now, database)
	}
}
