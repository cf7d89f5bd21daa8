// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestDecodeManifest(t *testing.T) {
	tests := map[string]struct {
		manifest string
		want     []string
		wantErr  string
	}{
		"several documents": {
			manifest: "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b}\n",
			want:     []string{"Namespace/a", "Secret/b"},
		},
		"documents that only hold comments are dropped": {
			manifest: "# nothing\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n# nothing\n",
			want:     []string{"Namespace/a"},
		},
		"an object without a name is refused with its number": {
			manifest: "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\nkind: Secret\n",
			wantErr:  "document 2",
		},
		"a file that is no YAML is refused": {manifest: "a: [", wantErr: "document 1"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			objects, err := decodeManifest([]byte(tc.manifest))
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Fatalf("got error %v, want one with %q", err, tc.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, object := range objects {
				got = append(got, object.GetKind()+"/"+object.GetName())
			}
			if !slices.Equal(got, tc.want) {
				t.Fatalf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestEmbeddedManifestsParse(t *testing.T) {
	for name, want := range map[string]int{
		"cluster.yaml": 3, "node-stages.yaml": 1, "pod-stages.yaml": 3, "volume-stages.yaml": 3,
	} {
		data, err := manifests.ReadFile("manifests/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if objects, err := decodeManifest(data); err != nil || len(objects) != want {
			t.Errorf("%s: got %d objects and %v, want %d", name, len(objects), err, want)
		}
	}
}

func TestShippedManifestsLeaveOutWhatRunsInACluster(t *testing.T) {
	repo := t.TempDir()
	write := func(path, content string) {
		t.Helper()
		path = filepath.Join(repo, "artifacts", "deploy", path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := shippedManifests(repo); err == nil {
		t.Error("a repository without manifests is accepted")
	}
	write("base/kustomization.yaml", "resources: [rbac.yaml]\n")
	write("base/rbac.yaml", "kind: ClusterRole\nmetadata: {name: base}\n---\nkind: StatefulSet\nmetadata: {name: server}\n")
	write("base/service.yaml", "kind: Service\nmetadata: {name: server}\n---\nkind: APIService\nmetadata: {name: server}\n")
	write("components/extra/role.yaml", "kind: ClusterRole\nmetadata: {name: extra}\n")
	objects, err := shippedManifests(repo, "extra")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, object := range objects {
		names = append(names, object.GetName())
	}
	if want := []string{"base", "extra"}; !slices.Equal(names, want) {
		t.Fatalf("got %v, want %v", names, want)
	}
}
