// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	mutatingadmissionpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
)

func kubeconfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	content := `{"apiVersion":"v1","kind":"Config","current-context":"a","contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],
"clusters":[{"name":"a","cluster":{"server":"https://127.0.0.1:1"}}],"users":[{"name":"a","user":{}}]}`
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMistakesInTheFlagsAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ args, want string }{
		"no certificate":               {"--tls-cert-file=", "--tls-cert-file and --tls-private-key-file are required"},
		"two certificates":             {"--authority-secret=authority", "--authority-secret excludes --tls-cert-file"},
		"no port":                      {"--secure-port=0", "--secure-port=0"},
		"no data directory":            {"--data-dir=", "--data-dir must not be empty"},
		"keys of nothing":              {"--encryption-provider-config-automatic-reload=true", "needs --encryption-provider-config"},
		"no namespace":                 {"--namespace=", "--namespace must not be empty"},
		"a negative quota":             {"--embedded-etcd-quota-bytes=-1", "must not be negative"},
		"an unknown controller":        {"--controllers=foo", "foo"},
		"a lease shorter than renewal": {"--leader-elect-lease-duration=5s", "leader election needs"},
		"an access that is none":       {"--access-without-class=operator,root", `"root" must be one of operator, admin, proxy`},
		"an unknown plugin":            {"--enable-admission-plugins=Foo", "Foo"},
	} {
		t.Run(name, func(t *testing.T) {
			options := NewOptions()
			flags := options.Flags()
			args := []string{"--tls-cert-file=cert.pem", "--tls-private-key-file=key.pem", c.args}
			for _, arg := range args {
				key, value, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
				for _, set := range flags.FlagSets {
					if set.Lookup(key) != nil {
						if err := set.Set(key, value); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			if err := options.Complete(); err != nil {
				t.Fatal(err)
			}
			if err := options.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAHostWithoutMutatingPolicies(t *testing.T) {
	options := newAdmissionOptions()
	left, err := leaveOutMutatingPolicies(options, false)
	if err != nil || !left || !slices.Contains(options.DisablePlugins, mutatingadmissionpolicy.PluginName) {
		t.Errorf("left out %v, %v, disabled %v", left, err, options.DisablePlugins)
	}
	options = newAdmissionOptions()
	if left, err := leaveOutMutatingPolicies(options, true); err != nil || left {
		t.Errorf("a host that serves them: left out %v, %v", left, err)
	}
	options.EnablePlugins = []string{mutatingadmissionpolicy.PluginName}
	if _, err := leaveOutMutatingPolicies(options, false); err == nil {
		t.Error("an explicit wish that cannot be met must stop the start")
	}
}

// Hazard 1: with protobuf on offer, no namespace of the cluster can be deleted.
func TestProtobufIsNotOffered(t *testing.T) {
	var offered []string
	for _, info := range (jsonSerializer{newCodecs(NewScheme())}).SupportedMediaTypes() {
		offered = append(offered, info.MediaType)
	}
	if !slices.Equal(offered, []string{runtime.ContentTypeJSON, runtime.ContentTypeYAML}) {
		t.Errorf("offered: %v", offered)
	}
}

func TestOurPluginsRunBeforeThoseOfTheLibraryAndQuotaLast(t *testing.T) {
	options := newAdmissionOptions()
	want := []string{
		"NamespaceLifecycle", "DittoServerNamespaceStamp", "DittoServerClass", "DittoServerCredentials", "DittoServerSecretAccess",
		"DittoServerPerconaServed", "DittoServerStorageClass", "DittoServerPodFields",
		"MutatingAdmissionPolicy", "MutatingAdmissionWebhook", "ValidatingAdmissionPolicy", "ValidatingAdmissionWebhook",
		"DittoServerClassUsage", "ResourceQuota",
	}
	if !slices.Equal(options.RecommendedPluginOrder, want) {
		t.Errorf("order %v", options.RecommendedPluginOrder)
	}
	if errs := options.Validate(); len(errs) > 0 {
		t.Error(errs)
	}
}
