// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// notRendered are the fields that no object shows, and why. Everything else that the API accepts has to have an effect.
var notRendered = map[string]string{
	"className":                         "what a class gives is in the other fields",
	"paused":                            "the controller stands still",
	"rollout":                           "it says when the objects change, not how",
	"deletionPolicy.volumes":            "it is for the deletion",
	"deletionPolicy.database":           "it is for the deletion",
	"percona.deleteWithServer":          "it is for the deletion",
	"percona.readyTimeout":              "the controller waits, and says how long",
	"adapterDiscovery.pollingInterval":  "the controller polls",
	"snapshotPolicies":                  "the controller writes them to the dfs API",
	"controlPlane.tlsServerName":        "it is for the controller as a client of the dfs API",
	"controlPlane.clientCertSecretName": "it is for the controller as a client of the dfs API",
	"controlPlane.tls":                  "it is accepted for manifests of the DittoFS operator and not read",
	"identity.type":                     "it is accepted for manifests of the DittoFS operator and not read",
	"identity.admin.username":           "dfs knows no other name",
	"database.type":                     "sqlite needs nothing else and postgres a Secret, which says it too",
	"database.postgresSecretRef.key":    "the keys of this Secret are fixed",
}

// inTheWay is what has to be taken out of everything.yaml before a field can have an effect.
var inTheWay = map[string]string{
	"database.sqlite.path":            "percona",
	"database.postgresSecretRef.name": "percona",
	"identity.kerberos.krb5Conf":      "identity.kerberos.krb5ConfSecretRef",
}

func TestEveryFieldOfTheSpecChangesAnObject(t *testing.T) {
	changes := map[string]any{}
	readYAML(t, "fields/changes.yaml", &changes)
	fields := leaves(reflect.TypeFor[v1alpha1.DittoServerSpec](), "")
	known := map[string]bool{}
	for _, path := range fields {
		known[path] = true
		value, listed := changes[path]
		reason, excused := notRendered[path]
		if strings.HasSuffix(path, ".optional") {
			reason, excused = "it must be false", true
		}
		if listed == excused {
			t.Errorf("%s: want it in testdata/fields/changes.yaml or in notRendered (%q), and not in both", path, reason)
		}
		if !listed {
			continue
		}
		t.Run(path, func(t *testing.T) {
			before, after := everything(t), everything(t)
			if rest := inTheWay[path]; rest != "" {
				unstructured.RemoveNestedField(before, fieldsOf(rest)...)
				unstructured.RemoveNestedField(after, fieldsOf(rest)...)
			}
			if err := unstructured.SetNestedField(after, value, fieldsOf(path)...); err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(everyObject(t, before), everyObject(t, after)) {
				t.Errorf("%v in it changes nothing", value)
			}
		})
	}
	for path := range changes {
		if !known[path] {
			t.Errorf("testdata/fields/changes.yaml: there is no field %s", path)
		}
	}
	for path := range notRendered {
		if !known[path] {
			t.Errorf("notRendered: there is no field %s", path)
		}
	}
}

// leaves are the fields of our own types, all the way down, by their JSON names.
func leaves(t reflect.Type, prefix string) []string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t.PkgPath() != reflect.TypeFor[v1alpha1.DittoServerSpec]().PkgPath() {
		return []string{strings.TrimSuffix(prefix, ".")}
	}
	var paths []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" {
			name += "."
		}
		paths = append(paths, leaves(t.Field(i).Type, prefix+name)...)
	}
	return paths
}

func fieldsOf(path string) []string { return append([]string{"spec"}, strings.Split(path, ".")...) }

func everything(t *testing.T) map[string]any {
	t.Helper()
	object := map[string]any{}
	readYAML(t, "fields/everything.yaml", &object)
	return object
}

func everyObject(t *testing.T, object map[string]any) []byte {
	t.Helper()
	server := serverOf(t, object)
	in := render.Inputs{Adapters: []render.Adapter{ownNFS, ownSMB}}
	database, err := render.Percona(server, nil)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Join([][]byte{
		manifest(t, all(t, server, in)), documents(t, inOrder(network(t, server, in))...), documents(t, database),
	}, nil)
}
