// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

var update = flag.Bool("update", false, "write the golden manifests instead of comparing with them")

// golden is one case: testdata/FILE.in.yaml is the DittoServer, testdata/FILE.out.yaml what it becomes,
// testdata/FILE.live.yaml the StatefulSet that is there already, if any.
type golden struct {
	name string // what the manifest shows
	file string
	keys map[string]bool // that the postgres Secret has
	// contentLater says that the content volume may come to a StatefulSet that has no template for it.
	contentLater bool
}

var rendered = []golden{
	{name: "a server with nothing but its required field runs on SQLite", file: "minimal"},
	{name: "every field of the spec arrives in an object", file: "full"},
	{name: "a database behind a Secret reaches dfs by the environment only", file: "postgres"},
	{name: "the optional keys that the postgres Secret has are required in the pod", file: "postgres-optional-keys", keys: map[string]bool{"port": true, "sslmode": true}},
	{name: "a stopped server keeps everything but its pod", file: "stopped"},
	{name: "a StatefulSet keeps the claim templates that it was made with", file: "live-claim-templates"},
	{name: "a content volume that comes later is an ordinary volume on a claim of its own", file: "content-later", contentLater: true},
	{name: "an ephemeral server has no claims, and volumes of the sizes that the spec has", file: "ephemeral"},
	{name: "with a certificate the API is TLS, and the kubelet knows it", file: "tls"},
	{name: "with mutual TLS the kubelet opens connections and no more", file: "mtls"},
	{name: "a token for the metrics is a file that nobody else may read", file: "metrics-token"},
	{name: "LDAP is a seed in the configuration, and its password in the environment", file: "ldap"},
	{name: "Kerberos gets its files and the machine account its password", file: "kerberos"},
	{name: "Kerberos that is switched off keeps its files where dfs looked for them", file: "kerberos-off"},
	{name: "PostgreSQL by Percona is reached with the password and the CA that Percona makes", file: "percona"},
	{name: "a Percona cluster that is there may have a CA of its own", file: "percona-existing"},
}

func TestGoldenManifests(t *testing.T) {
	for _, tc := range rendered {
		t.Run(tc.name, func(t *testing.T) {
			server, in := tc.read(t)
			compareGolden(t, tc.file, manifest(t, all(t, server, in)))
		})
	}
}

func (g golden) read(t *testing.T) (*v1alpha1.DittoServer, render.Inputs) {
	t.Helper()
	server := &v1alpha1.DittoServer{}
	readYAML(t, g.file+".in.yaml", server)
	in := render.Inputs{ConfigHash: "0123456789abcdef", PostgresKeys: g.keys, ContentClaimLater: g.contentLater}
	if _, err := os.Stat(filepath.Join("testdata", g.file+".live.yaml")); err == nil {
		live := &appsv1.StatefulSet{}
		readYAML(t, g.file+".live.yaml", live)
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
	return documents(t, objects.ConfigMap, objects.HeadlessService, objects.APIService, objects.StatefulSet)
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
