// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package percona_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// dfs reads the password and the CA at its start. With another CA it does not reach its database until then.
func TestWhatTheOperatorRotatesIsOneRestartEach(t *testing.T) {
	t.Parallel()
	s := readyOnPercona(t)
	database := s.AwaitDFS(t).Database
	secrets := cluster.Admin.Kube.CoreV1().Secrets(s.Namespace)
	for name, change := range map[string]map[string]string{
		"files-postgres-pguser-dittofs": {"password": "another-of-the-operator"},
		"files-postgres-cluster-cert":   {"ca.crt": "another CA"},
	} {
		pod := s.Pod(t)
		secret, err := secrets.Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		// The key of PostgreSQL itself is in it too, and nothing of ours.
		s.PutSecret(t, &corev1.Secret{ObjectMeta: secret.ObjectMeta, Data: secret.Data, StringData: change})
		s.AwaitNewPod(t, pod)
		s.AwaitReady(t)
	}
	pod := s.Pod(t)
	secret, err := secrets.Get(t.Context(), "files-postgres-cluster-cert", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.PutSecret(t, &corev1.Secret{ObjectMeta: secret.ObjectMeta, Data: secret.Data, StringData: map[string]string{"tls.key": "another key"}})
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
