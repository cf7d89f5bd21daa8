// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package secretaccess

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// fill sets every string of a value to its path and makes one of everything: a
// field of the API that somebody adds is filled too.
func fill(value reflect.Value, path string, depth int) {
	if depth > 14 {
		return
	}
	switch value.Kind() {
	case reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		fill(value.Elem(), path, depth+1)
	case reflect.Struct:
		for i := range value.NumField() {
			field := value.Type().Field(i)
			if !field.IsExported() {
				continue
			}
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			next := path
			if name != "" {
				next += "." + name
			}
			fill(value.Field(i), next, depth+1)
		}
	case reflect.Slice:
		if value.Type().Elem().Kind() != reflect.Uint8 {
			value.Set(reflect.MakeSlice(value.Type(), 1, 1))
			fill(value.Index(0), path+"[0]", depth+1)
		}
	case reflect.String:
		value.SetString(path)
	}
}

// secretPaths finds, by their names and types, the fields of a filled spec that name a Secret.
func secretPaths(value reflect.Value, path string, depth int) []string {
	if depth > 14 {
		return nil
	}
	var paths []string
	switch value.Kind() {
	case reflect.Pointer:
		if !value.IsNil() {
			paths = secretPaths(value.Elem(), path, depth+1)
		}
	case reflect.Slice:
		for i := range value.Len() {
			paths = append(paths, secretPaths(value.Index(i), fmt.Sprintf("%s[%d]", path, i), depth+1)...)
		}
	case reflect.Struct:
		for i := range value.NumField() {
			field := value.Type().Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if !field.IsExported() {
				continue
			}
			next := path
			if name != "" {
				next += "." + name
			}
			paths = append(paths, secretPaths(value.Field(i), next, depth+1)...)
		}
	case reflect.String:
		last := path[strings.LastIndex(path, ".")+1:]
		parent := strings.ToLower(strings.TrimSuffix(path, "."+last))
		parent = parent[strings.LastIndex(parent, ".")+1:]
		if strings.HasSuffix(strings.ToLower(last), "secretname") || last == "name" && strings.Contains(parent, "secret") {
			paths = append(paths, path)
		}
	}
	return paths
}

// The list of references is written by hand; this finds a field that somebody
// adds to the API, or Kubernetes to its types, and forgets here.
func TestNoFieldThatNamesASecretIsForgotten(t *testing.T) {
	server := &dittofsv1alpha1.DittoServer{}
	fill(reflect.ValueOf(&server.Spec).Elem(), "spec", 0)
	server.Spec.Percona.Enabled = true
	known := map[string]bool{}
	for _, ref := range referencesOf(server) {
		known[ref.name] = true
	}
	paths := secretPaths(reflect.ValueOf(&server.Spec).Elem(), "spec", 0)
	for _, path := range paths {
		if !known[path] {
			t.Errorf("%s names a Secret that nobody is asked about", path)
		}
	}
	// The test would prove nothing if it found none.
	for _, path := range []string{
		"spec.identity.kerberos.machineAccount.keytabSecretRef.name", "spec.extraVolumes[0].projected.sources[0].secret.name",
		"spec.extraVolumes[0].csi.nodePublishSecretRef.name", "spec.controlPlane.ingress.tlsSecretName", "spec.imagePullSecrets[0].name",
		"spec.extraEnv[0].valueFrom.secretKeyRef.name", "spec.percona.backup.credentialsSecretRef.name",
	} {
		if !slices.Contains(paths, path) {
			t.Errorf("this test has lost sight of %s; it sees %q", path, paths)
		}
	}
}

func TestAnOptionalSecretIsNotMissed(t *testing.T) {
	s := plain(func(s *dittofsv1alpha1.DittoServer) {
		selector := func(name string, optional *bool) *corev1.EnvVarSource {
			return &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Optional: optional}}
		}
		s.Spec.ExtraEnv = []corev1.EnvVar{{Name: "A", ValueFrom: selector("needed", nil)}, {Name: "B", ValueFrom: selector("perhaps", ptr.To(true))}, {Name: "C", Value: "plain"}}
	})
	var missed []string
	for _, ref := range referencesOf(s) {
		if !ref.optional {
			missed = append(missed, ref.field+" "+ref.name)
		}
	}
	if want := []string{"spec.extraEnv[0].valueFrom.secretKeyRef needed"}; !slices.Equal(missed, want) {
		t.Errorf("got %q, want %q", missed, want)
	}
}

// The names are written down in two packages, which must not import each other.
func TestTheNamesAreThoseThatAreRendered(t *testing.T) {
	for name, change := range map[string]func(*dittofsv1alpha1.DittoServer){
		"generated":           func(*dittofsv1alpha1.DittoServer) {},
		"PostgreSQL":          percona,
		"existing PostgreSQL": existingCluster,
		"everything":          func(s *dittofsv1alpha1.DittoServer) { fill(reflect.ValueOf(&s.Spec).Elem(), "spec", 0) },
	} {
		t.Run(name, func(t *testing.T) {
			server := plain(change)
			var asked []string
			for _, ref := range referencesOf(server) {
				asked = append(asked, ref.name)
			}
			for _, secret := range render.ReferencedSecrets(server) {
				if !slices.Contains(asked, secret) {
					t.Errorf("nobody is asked about Secret %q, which the server gets", secret)
				}
			}
		})
	}

	server, one := plain(), resource.MustParse("1Gi")
	server.Spec.Storage = dittofsv1alpha1.StorageSpec{MetadataSize: &one, ContentSize: &one, ControlPlaneSize: &one, CacheSize: &one}
	claims := server.ClaimNames()
	for name := range render.ClaimSizes(server) {
		if !slices.Contains(claims, name) {
			t.Errorf("nobody looks for the claim %s, which the server uses", name)
		}
	}
	if len(claims) != len(render.ClaimSizes(server)) {
		t.Errorf("looked for are %q, and some are no claim of the server", claims)
	}
}
