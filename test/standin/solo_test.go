// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

func soloConfig(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "config.yaml")
	content := strings.ReplaceAll(testConfig, "/data/controlplane", dir)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func soloSID(t *testing.T, config string) string {
	t.Helper()
	solo, err := NewSolo(t.Context(), Options{}, config, []string{"DITTOFS_CONTROLPLANE_SECRET=" + testSecret, "HOME=/app"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := dfs.SignToken([]byte(testSecret), dfs.Claims{Username: "test", Role: dfs.RoleAdmin, TTL: time.Minute, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/settings/machine_sid", nil)
	request.Header.Set("Authorization", "Bearer "+token)
	recorder := httptest.NewRecorder()
	solo.handler.ServeHTTP(recorder, request)
	var row struct{ Value string }
	if err := json.Unmarshal(recorder.Body.Bytes(), &row); err != nil || row.Value == "" {
		t.Fatalf("%d %s", recorder.Code, recorder.Body)
	}
	return row.Value
}

func TestAServerInAPodOfItsOwnKeepsItsIdentityOverARestart(t *testing.T) {
	config := soloConfig(t, t.TempDir())
	if first, again := soloSID(t, config), soloSID(t, config); first != again {
		t.Errorf("the identity was %s and is %s", first, again)
	}
	if other := soloSID(t, soloConfig(t, t.TempDir())); other == soloSID(t, config) {
		t.Error("two servers have one identity")
	}
}

func TestAServerInAPodOfItsOwnRefusesToStartAsTheRealOneDoes(t *testing.T) {
	config := soloConfig(t, t.TempDir())
	for name, c := range map[string]struct {
		config      string
		environment []string
		want        string
	}{
		"without a secret": {config, nil, "JWT secret must be at least 32 characters"},
		"without a file":   {filepath.Join(t.TempDir(), "none.yaml"), nil, "no such file"},
		"with TLS":         {config, []string{"DITTOFS_CONTROLPLANE_TLS_CERT_FILE=/a", "DITTOFS_CONTROLPLANE_TLS_KEY_FILE=/b"}, "no TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewSolo(t.Context(), Options{}, c.config, c.environment); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAServerInAPodOfItsOwnEndsWhenItIsTold(t *testing.T) {
	solo, err := NewSolo(t.Context(), Options{}, soloConfig(t, t.TempDir()), []string{"DITTOFS_CONTROLPLANE_SECRET=" + testSecret, "DITTOFS_CONTROLPLANE_HOST=127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	solo.address = "127.0.0.1:0"
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := solo.Serve(ctx); err != nil {
		t.Error(err)
	}
}
