// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// minimal is a server with its required field, as a user wrote it: nothing is defaulted.
func minimal(change ...func(*v1alpha1.DittoServerSpec)) *v1alpha1.DittoServer {
	server := &v1alpha1.DittoServer{}
	server.Name, server.Namespace, server.UID = "files", "team-a", "7d1c0b6e-8f0a-4f0e-9d5b-2a1f6f6f0001"
	server.Spec.Storage.MetadataSize = new(resource.MustParse("10Gi"))
	for _, c := range change {
		c(&server.Spec)
	}
	return server
}

func TestConfigSaysWhatTheSpecSays(t *testing.T) {
	const base = `# Written by dittofs-apiserver. Edits are reverted: change the DittoServer instead.
controlplane:
  host: 0.0.0.0
  jwt:
    access_token_duration: 15m0s
    refresh_token_duration: 168h0m0s
  port: 8080
  write_timeout: 2m0s
database:
  sqlite:
    path: /data/controlplane/controlplane.db
  type: sqlite
logging:
  format: json
  level: INFO
  output: stdout
shutdown_timeout: 30s
`
	for _, tc := range []struct {
		name    string
		change  func(*v1alpha1.DittoServerSpec)
		replace []string // pairs: what of the base is different, and how
	}{
		{"an empty spec gives the defaults", func(*v1alpha1.DittoServerSpec) {}, nil},
		{"the port is the port of the REST API", func(s *v1alpha1.DittoServerSpec) { s.ControlPlane.Port = new(int32(9443)) },
			[]string{"port: 8080", "port: 9443"}},
		{"durations have one spelling, so that another one restarts nothing", func(s *v1alpha1.DittoServerSpec) {
			s.Identity.JWT.AccessTokenDuration, s.Identity.JWT.RefreshTokenDuration = "900s", "10080m"
		}, nil},
		{"logging is passed on", func(s *v1alpha1.DittoServerSpec) {
			s.Logging = v1alpha1.LoggingSpec{Level: v1alpha1.LogWarn, Format: v1alpha1.LogText, Output: "stderr"}
		}, []string{"format: json", "format: text", "level: INFO", "level: WARN", "output: stdout", "output: stderr"}},
		{"a log file may be on a volume that the server has", func(s *v1alpha1.DittoServerSpec) {
			s.Storage.ContentSize = new(resource.MustParse("1Gi"))
			s.Logging.Output = "/data/store/block/dfs.log"
		}, []string{"output: stdout", "output: /data/store/block/dfs.log",
			"controlplane:", "blockstore:\n  local:\n    default_remote_cache_size: 858993440\ncontrolplane:"}},
		{"the database file may be elsewhere on a volume", func(s *v1alpha1.DittoServerSpec) {
			s.Database.SQLite = &v1alpha1.SQLiteSpec{Path: "/data/store/metadata/control.db"}
		}, []string{"/data/controlplane/controlplane.db", "/data/store/metadata/control.db"}},
		{"a postgres Secret decides for postgres and leaves the rest to the environment", func(s *v1alpha1.DittoServerSpec) {
			s.Database.Type = v1alpha1.DatabaseSQLite
			s.Database.PostgresSecretRef = &v1alpha1.SecretReference{Name: "pg"}
		}, []string{"  sqlite:\n    path: /data/controlplane/controlplane.db\n", "", "type: sqlite", "type: postgres"}},
		{"what does not concern the process changes no byte", func(s *v1alpha1.DittoServerSpec) {
			s.Image, s.Replicas = "other:1", new(int32(0))
			s.Service.Type = "LoadBalancer"
			s.Storage.ControlPlaneSize = new(resource.MustParse("5Gi"))
			s.Identity.JWT.SecretRef = &v1alpha1.SecretKeyReference{Name: "a", Key: "b"}
		}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := render.Config(minimal(tc.change), nil)
			if err != nil {
				t.Fatal(err)
			}
			want := base
			for i := 0; i < len(tc.replace); i += 2 {
				if !strings.Contains(want, tc.replace[i]) {
					t.Fatalf("the base has no %q", tc.replace[i])
				}
				want = strings.ReplaceAll(want, tc.replace[i], tc.replace[i+1])
			}
			if string(got) != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestConfigRefusesWhatCannotRun(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*v1alpha1.DittoServerSpec)
		want   []string // in the message
	}{
		{"postgres without a Secret", func(s *v1alpha1.DittoServerSpec) { s.Database.Type = v1alpha1.DatabasePostgres },
			[]string{"spec.database.postgresSecretRef"}},
		{"a database on the container's own disk, which is empty after each restart", func(s *v1alpha1.DittoServerSpec) {
			s.Database.SQLite = &v1alpha1.SQLiteSpec{Path: "/data/control.db"}
		}, []string{"spec.database.sqlite.path", "/data/control.db", "under /data/controlplane"}},
		{"a database path that climbs out of the volume", func(s *v1alpha1.DittoServerSpec) {
			s.Database.SQLite = &v1alpha1.SQLiteSpec{Path: "/data/controlplane/../x.db"}
		}, []string{"spec.database.sqlite.path"}},
		{"a log file on a volume that the server does not have", func(s *v1alpha1.DittoServerSpec) { s.Logging.Output = "/data/store/block/dfs.log" },
			[]string{"spec.logging.output", "stdout, stderr"}},
		{"a relative log file", func(s *v1alpha1.DittoServerSpec) { s.Logging.Output = "dfs.log" },
			[]string{"spec.logging.output"}},
		{"a duration without a unit, which dfs takes for nanoseconds", func(s *v1alpha1.DittoServerSpec) { s.Identity.JWT.AccessTokenDuration = "900" },
			[]string{"spec.identity.jwt.accessTokenDuration", `"900"`, "15m"}},
		{"a duration that is not positive", func(s *v1alpha1.DittoServerSpec) { s.Identity.JWT.RefreshTokenDuration = "-1h" },
			[]string{"spec.identity.jwt.refreshTokenDuration"}},
		{"two mistakes are both named", func(s *v1alpha1.DittoServerSpec) {
			s.Identity.JWT.RefreshTokenDuration, s.Logging.Output = "x", "y"
		}, []string{"spec.identity.jwt.refreshTokenDuration", "spec.logging.output"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := render.Config(minimal(tc.change), nil)
			if err == nil {
				t.Fatal("want an error")
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not mention %q: %v", part, err)
				}
			}
			if _, err := render.All(minimal(tc.change), render.Inputs{}); err == nil {
				t.Error("All renders what Config refuses")
			}
		})
	}
}
