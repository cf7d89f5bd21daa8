// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/apis/dittofs/validation"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// overlay is spec.config, written as a user would.
func overlay(t *testing.T, text string) func(*v1alpha1.DittoServerSpec) {
	t.Helper()
	config := map[string]v1alpha1.Value{}
	if err := yaml.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	return func(s *v1alpha1.DittoServerSpec) { s.Config = config }
}

func TestConfigIsMergedOverTheFields(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config string
		change func(*v1alpha1.DittoServerSpec)
		want   string // a part of the file
	}{
		{name: "a group of its own is added", config: `{gc: {auto_interval: 30m}}`, want: "\ngc:\n  auto_interval: 30m\n"},
		{name: "keys beside ours join their group, at every depth", config: `{logging: {rotation: {max_age: 7}}}`,
			want: "\nlogging:\n  format: json\n  level: INFO\n  output: stdout\n  rotation:\n    max_age: 7\n"},
		{name: "seeds join the blocks of the fields", config: `{ldap: {timeout: 5s, tls: {min_version: "1.3"}}}`,
			change: func(s *v1alpha1.DittoServerSpec) { s.Identity.LDAP = directory(true) },
			want:   "  timeout: 5s\n  tls:\n    insecure_skip_verify: false\n    min_version: \"1.3\"\n  url: ldaps://directory.example.com\n"},
		{name: "a group of the fields may be there without the fields", config: `{kerberos: {max_contexts: 5}}`, want: "\nkerberos:\n  max_contexts: 5\n"},
		{name: "lists are replaced as a whole", config: `{kerberos: {identity_mapping: {static_map: {alice: {uid: 1, gids: [2, 3]}}}}}`,
			want: "      alice:\n        gids:\n        - 2\n        - 3\n        uid: 1\n"},
		{name: "a large integer keeps its digits", config: `{blockstore: {local: {max_log_bytes: 9007199254740993}}}`, want: "max_log_bytes: 9007199254740993\n"},
		{name: "what we do not know is passed on", config: `{later: {key: [1, {a: null}]}}`, want: "\nlater:\n  key:\n  - 1\n  - a: null\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := minimal(overlay(t, tc.config))
			if tc.change != nil {
				tc.change(&server.Spec)
			}
			got, err := render.Config(server, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(got), tc.want) {
				t.Errorf("want in it:\n%s\ngot:\n%s", tc.want, got)
			}
		})
	}
}

func TestTheOverlayCannotUndoTheFields(t *testing.T) {
	for _, tc := range []struct{ name, config, field string }{
		{"a key that has a field", `{shutdown_timeout: 1s}`, "spec.config.shutdown_timeout"},
		{"a key that has a field in a block that is not there", `{ldap: {url: "ldap://x"}}`, "spec.config.ldap.url"},
		{"another database", `{database: {postgres: {host: x}}}`, "spec.config.database"},
		{"a signing secret in the open", `{controlplane: {jwt: {secret: x}}}`, "spec.config.controlplane.jwt"},
		{"a group that is taken away", `{logging: null}`, "spec.config.logging"},
		{"a group that becomes a word", `{controlplane: {tls: "off"}}`, "spec.config.controlplane.tls"},
		{"upper case, which dfs reads as lower case", `{Logging: {level: DEBUG}}`, "spec.config.Logging"},
		{"a dot, which dfs reads as a level", `{controlplane.host: 127.0.0.1}`, "spec.config.controlplane.host"},
		{"a dot further down", `{gc: {auto.enabled: false}}`, "spec.config.gc.auto.enabled"},
		{"a path", `{ldap: {tls: {client_key_file: /data/x}}}`, "spec.config.ldap.tls.client_key_file"},
		{"a path that we do not know", `{later: {socket_path: /data/x}}`, "spec.config.later.socket_path"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for what, render := range map[string]rendering{"Config": render.Config, "HashedConfig": render.HashedConfig} {
				_, err := render(minimal(overlay(t, tc.config)), nil)
				if err == nil || !strings.HasPrefix(err.Error(), tc.field+": ") {
					t.Errorf("%s: want a refusal of %s, got %v", what, tc.field, err)
				}
			}
		})
	}
}

func TestABrokenValueIsNotShown(t *testing.T) {
	server := minimal(func(s *v1alpha1.DittoServerSpec) {
		s.Config = map[string]v1alpha1.Value{"gc": {Raw: []byte(`{"hunter2`)}}
	})
	if _, err := render.Config(server, nil); err == nil || !strings.Contains(err.Error(), "spec.config.gc") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

// Admission has the rules, and more of them. What it forbids must not arrive in the file of an object that came past it.
func TestWhatAdmissionForbidsIsNeverRendered(t *testing.T) {
	forbidden := 0
	for _, key := range loaderKeys(t) {
		path := strings.Split(key, ".")
		text, err := json.Marshal(nested(path[1:], "x"))
		if err != nil {
			t.Fatal(err)
		}
		server := minimal(func(s *v1alpha1.DittoServerSpec) { s.Config = map[string]v1alpha1.Value{path[0]: {Raw: text}} })
		v1alpha1.SetObjectDefaults_DittoServer(server)
		for _, refusal := range validation.ValidateDittoServer(server) {
			if refusal.Type != "FieldValueForbidden" || !strings.HasPrefix(refusal.Field, "spec.config.") {
				continue
			}
			forbidden++
			if config, err := render.Config(server, nil); err == nil {
				t.Errorf("%s is forbidden (%s) and rendered:\n%s", key, refusal.Detail, config)
			}
		}
	}
	if forbidden < 40 {
		t.Errorf("this test has lost sight of what is forbidden: it saw %d keys", forbidden)
	}
}

func nested(path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	return map[string]any{path[0]: nested(path[1:], value)}
}

// loaderKeys are all the keys that DittoFS v0.29 knows.
func loaderKeys(t *testing.T) []string {
	t.Helper()
	file, err := os.Open("../../apis/dittofs/validation/testdata/dittofs-v0.29-keys.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var keys []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		keys = append(keys, lines.Text())
	}
	return keys
}
