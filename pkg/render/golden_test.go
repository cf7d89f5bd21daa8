// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

var update = flag.Bool("update", false, "write the golden manifests instead of comparing with them")

// rendered are the cases with a golden manifest: testdata/NAME.in.yaml is the DittoServer, testdata/NAME.out.yaml what it
// becomes, testdata/NAME.live.yaml the StatefulSet that is there already, if any.
var rendered = []struct {
	name string // what the manifest shows
	file string
	keys map[string]bool
}{
	{name: "a server with nothing but its required field runs on SQLite", file: "minimal"},
	{name: "every field of the spec arrives in an object", file: "full"},
	{name: "a database behind a Secret reaches dfs by the environment only", file: "postgres"},
	{name: "the optional keys that the postgres Secret has are required in the pod", file: "postgres-optional-keys", keys: map[string]bool{"port": true, "sslmode": true}},
	{name: "a stopped server keeps everything but its pod", file: "stopped"},
	{name: "a StatefulSet keeps the claim templates that it was made with", file: "live-claim-templates"},
}

func TestGoldenManifests(t *testing.T) {
	for _, tc := range rendered {
		t.Run(tc.name, func(t *testing.T) {
			server, in := readCase(t, tc.file)
			in.PostgresKeys = tc.keys
			got := manifest(t, all(t, server, in))
			golden := filepath.Join("testdata", tc.file+".out.yaml")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s differs (-want +got); review it, then run go test ./pkg/render -update:\n%s", golden, diff)
			}
		})
	}
}

// readCase reads a DittoServer and, if there is one, the live StatefulSet beside it.
func readCase(t *testing.T, file string) (*v1alpha1.DittoServer, render.Inputs) {
	t.Helper()
	server := &v1alpha1.DittoServer{}
	readYAML(t, file+".in.yaml", server)
	in := render.Inputs{ConfigHash: "0123456789abcdef"}
	if _, err := os.Stat(filepath.Join("testdata", file+".live.yaml")); err == nil {
		live := &appsv1.StatefulSet{}
		readYAML(t, file+".live.yaml", live)
		in.LiveClaimTemplates = live.Spec.VolumeClaimTemplates
	}
	return server, in
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(content, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func all(t *testing.T, server *v1alpha1.DittoServer, in render.Inputs) *render.Objects {
	t.Helper()
	objects, err := render.All(server, in)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// manifest is the objects as a user would apply them.
func manifest(t *testing.T, objects *render.Objects) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, object := range []any{objects.ConfigMap, objects.HeadlessService, objects.APIService, objects.StatefulSet} {
		document, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if out.Len() > 0 {
			out.WriteString("---\n")
		}
		out.Write(document)
	}
	return out.Bytes()
}

// statefulSet is the rendered StatefulSet as a typed object, for tests that look into it.
func statefulSet(t *testing.T, objects *render.Objects) *appsv1.StatefulSet {
	t.Helper()
	content, err := yaml.Marshal(objects.StatefulSet)
	if err != nil {
		t.Fatal(err)
	}
	set := &appsv1.StatefulSet{}
	if err := yaml.UnmarshalStrict(content, set); err != nil {
		t.Fatal(err)
	}
	return set
}

func container(t *testing.T, set *appsv1.StatefulSet) corev1.Container {
	t.Helper()
	containers := set.Spec.Template.Spec.Containers
	if len(containers) != 1 || containers[0].Name != render.ContainerName {
		t.Fatalf("want one container %s, got %v", render.ContainerName, containers)
	}
	return containers[0]
}
