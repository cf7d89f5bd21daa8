// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"strings"
	"testing"

	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func TestWhatIsProbablyNotMeantIsStoredWithAWarning(t *testing.T) {
	namespace := cluster.Namespace(t)
	cases := []struct {
		name   string
		change func(*dittofsv1alpha1.DittoServerSpec)
		wants  []string
	}{
		{"latest", func(s *dittofsv1alpha1.DittoServerSpec) { s.Image = "marmos91c/dittofs:latest" }, []string{"spec.image", "dittofs:latest", "pin a version"}},
		{"no-tag", func(s *dittofsv1alpha1.DittoServerSpec) { s.Image = "registry.example:5000/dittofs" }, []string{"spec.image", "pin a version"}},
		{"privileged-port", func(s *dittofsv1alpha1.DittoServerSpec) { s.ControlPlane.Port = ptr.To[int32](443) }, []string{"spec.controlPlane.port", "443", "1024 or higher"}},
		{"sqlite-and-postgres", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Database.Type, s.Database.PostgresSecretRef = dittofsv1alpha1.DatabaseSQLite, &dittofsv1alpha1.SecretReference{Name: "pg"}
		}, []string{`spec.database.type: "sqlite" is not used, postgresSecretRef wins: the server runs on PostgreSQL`}},
		{"digest", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Image = "marmos91c/dittofs@sha256:" + strings.Repeat("a", 64)
		}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server := harness.NewDittoServer(c.name)
			c.change(&server.Spec)
			kubectl := cluster.Admin.Kubectl(namespace)
			manifest := kubectl.Stdin(toYAML(t, server))
			dry := manifest.Try(t, "create", "--dry-run=server", "-f", "-")
			out := manifest.Try(t, "create", "-f", "-")
			if out.ExitCode != 0 {
				t.Fatal(out.Stderr)
			}
			if dry.ExitCode != 0 || dry.Stderr != out.Stderr {
				t.Errorf("a dry run warns of %q, the create of %q", dry.Stderr, out.Stderr)
			}
			if (c.wants == nil) != (out.Stderr == "") {
				t.Errorf("kubectl printed %q", out.Stderr)
			}
			for _, want := range c.wants {
				if !strings.Contains(out.Stderr, "Warning: ") || !strings.Contains(out.Stderr, want) {
					t.Errorf("the warning lacks %q: %s", want, out.Stderr)
				}
			}
			// A change of something else repeats nothing; a change of the spec does.
			if out := kubectl.Try(t, "label", "dittoserver", c.name, "a=b"); out.ExitCode != 0 || out.Stderr != "" {
				t.Errorf("a label: %+v", out)
			}
			out = kubectl.Try(t, "patch", "dittoserver", c.name, "--type=merge", "-p", `{"spec":{"logging":{"level":"DEBUG"}}}`)
			if out.ExitCode != 0 || (c.wants == nil) != (out.Stderr == "") {
				t.Errorf("a change of the spec: %+v", out)
			}
		})
	}
}
