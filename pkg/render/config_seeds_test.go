// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func TestWithoutSeedsTheWholeConfigurationIsHashed(t *testing.T) {
	for _, tc := range rendered {
		if strings.HasPrefix(tc.file, "ldap") || strings.HasPrefix(tc.file, "kerberos") {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			server, _ := tc.read(t)
			if config, hashed := config(t, render.Config, server), config(t, render.HashedConfig, server); config != hashed {
				t.Errorf("every such server would restart: the file is\n%s\nand hashed is\n%s", config, hashed)
			}
		})
	}
}

func TestSeedsAreNotHashed(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*v1alpha1.DittoServerSpec)
		hashed string // what there is beside the configuration of a plain server
	}{
		{"of LDAP nothing is", func(s *v1alpha1.DittoServerSpec) { s.Identity.LDAP = directory(true) }, ""},
		{"of LDAP in the overlay nothing is", overlay(t, `{ldap: {timeout: 5s}}`), ""},
		{"of Kerberos the files are", func(s *v1alpha1.DittoServerSpec) { s.Identity.Kerberos = realm(true) },
			"kerberos:\n  keytab_path: /kerberos/dittofs.keytab\n  krb5_conf: /kerberos-krb5/krb5.conf\n  machine_account:\n    keytab_path: /kerberos-machine/machine.keytab\n"},
		{"Kerberos without files is a seed", func(s *v1alpha1.DittoServerSpec) {
			s.Identity.Kerberos = &v1alpha1.KerberosSpec{ServicePrincipal: "nfs/files@EXAMPLE.COM", MachineAccount: &v1alpha1.MachineAccountSpec{AccountName: "FILES$"}}
		}, ""},
		{"a key of Kerberos that nobody knows is", overlay(t, `{kerberos: {later: 1, max_contexts: 5}}`), "kerberos:\n  later: 1\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plain, got := config(t, render.HashedConfig, minimal()), config(t, render.HashedConfig, minimal(tc.change))
			want := plain
			if tc.hashed != "" {
				want = strings.Replace(plain, "logging:\n", tc.hashed+"logging:\n", 1)
			}
			if got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// A field that changes the file changes the hash, or the pod goes on with the old one. Seeds are the exception.
func TestWhatChangesTheConfigurationChangesTheHash(t *testing.T) {
	seeds := map[string]bool{
		"identity.kerberos.enabled": true, "identity.kerberos.servicePrincipal": true, "identity.kerberos.realm": true,
		"identity.kerberos.netbiosDomain": true, "identity.kerberos.dnsDomain": true, "identity.kerberos.machineAccount.enabled": true,
		"identity.kerberos.machineAccount.accountName": true, "identity.kerberos.machineAccount.dcAddress": true,
	}
	changes := map[string]any{}
	readYAML(t, "fields/changes.yaml", &changes)
	for path, value := range changes {
		t.Run(path, func(t *testing.T) {
			before, after := everything(t), everything(t)
			if err := unstructured.SetNestedField(after, value, fieldsOf(path)...); err != nil {
				t.Fatal(err)
			}
			differs := func(of rendering) bool {
				return config(t, of, serverOf(t, before)) != config(t, of, serverOf(t, after))
			}
			file, hashed := differs(render.Config), differs(render.HashedConfig)
			seed := seeds[path] || strings.HasPrefix(path, "identity.ldap.")
			if hashed != (file && !seed) {
				t.Errorf("the file changes: %t; it is a seed: %t; what is hashed changes: %t", file, seed, hashed)
			}
		})
	}
}

// rendering is Config or HashedConfig.
type rendering func(*v1alpha1.DittoServer, []corev1.PersistentVolumeClaim) ([]byte, error)

func config(t *testing.T, of rendering, server *v1alpha1.DittoServer) string {
	t.Helper()
	text, err := of(server, nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func serverOf(t *testing.T, object map[string]any) *v1alpha1.DittoServer {
	t.Helper()
	content, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	server := &v1alpha1.DittoServer{}
	if err := yaml.UnmarshalStrict(content, server); err != nil {
		t.Fatal(err)
	}
	return server
}
