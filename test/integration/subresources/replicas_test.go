// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package subresources_test

import (
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func TestAReplicaWithoutControllersServesBoth(t *testing.T) {
	s := files(t)
	gone := subject{cluster.Namespace(t), "gone"}
	serveWith(t, standIn(), allAccess, harness.WithoutControllers())
	user := s.somebody(t, mayHaveTokens("create"), mayProxy("get"))
	got, err := s.tokenFor(t.Context(), user, asking("", 0))
	if err != nil {
		t.Fatal(err)
	}
	if code, text := s.dfs(t, got.Status.Token, "/api/v1/adapters"); code != http.StatusOK {
		t.Errorf("dfs answers %d %s", code, text)
	}
	if got := send(t, user.Config, http.MethodGet, s.path("proxy/api/v1/shares"), ""); got.code != http.StatusOK {
		t.Errorf("answered %d %s", got.code, got.body)
	}
	t.Run("and neither of a server that nothing runs for", func(t *testing.T) {
		cluster.CreateDittoServer(t, gone.namespace, gone.name)
		if got := send(t, cluster.Admin.Config, http.MethodPost, gone.path("credentials"), "{}"); got.code != http.StatusConflict || !strings.Contains(got.body, "there is no Secret gone-jwt-secret") {
			t.Errorf("credentials: %d %s", got.code, got.body)
		}
		if got := send(t, cluster.Admin.Config, http.MethodGet, gone.path("proxy/health"), ""); got.code != http.StatusConflict {
			t.Errorf("proxy: %d %s", got.code, got.body)
		}
		if err := cluster.Admin.DittoServers(gone.namespace).Delete(t.Context(), gone.name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, r := range [][2]string{{http.MethodPost, "credentials"}, {http.MethodGet, "proxy/health"}} {
			body := map[string]string{http.MethodPost: "{}"}[r[0]]
			if got := send(t, cluster.Admin.Config, r[0], gone.path(r[1]), body); got.code != http.StatusConflict || !strings.Contains(got.body, "it is being deleted") {
				t.Errorf("%s while it is being deleted: %d %s", r[1], got.code, got.body)
			}
		}
	})
}
