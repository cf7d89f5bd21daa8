// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"encoding/json"
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// controllers.md 11: the Secret holds the first password, and dfs the one that counts. As docs/operations.md says it.
func TestTheAdminPasswordIsChangedInDFSAndOurServerDoesNotNotice(t *testing.T) {
	t.Parallel()
	s := cluster.NewSubject(t, often)
	secret, err := cluster.Admin.Kube.CoreV1().Secrets(s.Namespace).Get(t.Context(), "files-admin-bootstrap-credentials", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	first, before, pod := string(secret.Data["password"]), s.Parts(t), s.Pod(t)
	answer, status := s.LogInToDFS(t, "admin", first)
	var login struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(answer, &login); err != nil || status != http.StatusOK {
		t.Fatalf("a login with the generated password: %d %s (%v)", status, answer, err)
	}
	s.CallDFSAs(t, login.Token, http.MethodPost, "/api/v1/users/me/password",
		map[string]string{"current_password": first, "new_password": "changed-by-hand"})
	expectInTouch(t, s)
	before.ExpectUntouched(t, s)

	// A restart, with the old value still in the environment, does not bring the old password back.
	cluster.Admin.Kubectl(s.Namespace).Run(t, "delete", "pod", "files-0")
	s.AwaitNewPod(t, pod)
	s.AwaitReady(t)
	s.AwaitDFS(t)
	if _, status := s.LogInToDFS(t, "admin", first); status != http.StatusUnauthorized {
		t.Errorf("the old password is answered with %d", status)
	}
	if _, status := s.LogInToDFS(t, "admin", "changed-by-hand"); status != http.StatusOK {
		t.Errorf("the new password is answered with %d", status)
	}
}
