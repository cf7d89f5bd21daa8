// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package supportbundle

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestWhatMayHoldASecretIsWithheldAndTheRestIsNot(t *testing.T) {
	for name, c := range map[string]struct{ object, with, without string }{
		"a literal of a pod template": {
			"kind: StatefulSet\nspec: {template: {spec: {containers: [{name: dittofs, env: [{name: A, value: hidden}]}]}}}",
			"value: withheld, 6 bytes", "hidden"},
		"a reference to a Secret is no secret": {
			"kind: Pod\nspec: {containers: [{env: [{name: A, valueFrom: {secretKeyRef: {name: shown, key: k}}}]}]}", "name: shown", "withheld"},
		"text in free configuration": {"kind: DittoServer\nspec: {config: {a: {b: [hidden]}, port: 2049}}", "port: 2049", "hidden"},
		"a class's defaults":         {"kind: DittoServerClass\nspec: {defaults: {extraEnv: [{name: A, value: hidden}], image: shown}}", "image: shown", "hidden"},
		"an annotation of others":    {"metadata: {annotations: {example.com/a: hidden, dittofs.io/rollout: now}}", "dittofs.io/rollout: now", "hidden"},
		"the copy of all of it":      {"metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: hidden}}", "last-applied-configuration: withheld", "hidden"},
		"who owns which field":       {"metadata: {name: shown, managedFields: [{manager: hidden}]}", "name: shown", "hidden"},
		"a file of a ConfigMap":      {"kind: ConfigMap\nmetadata: {name: files-config}\ndata: {config.yaml: 'log: {level: hidden}'}", "level: withheld", "hidden"},
		"a file that is no YAML":     {"kind: ConfigMap\ndata: {krb5.conf: \"[a\\n b = hidden\"}", "krb5.conf: withheld", "hidden"},
		"which store it is":          {"kind: ConfigMap\nmetadata: {name: dittofs-store}\ndata: {id: shown}", "id: shown", "withheld"},
		"a Secret, had it been read": {"kind: Secret\ndata: {a: hidden}\nstringData: {b: hidden}", "a: withheld", "hidden"},
	} {
		t.Run(name, func(t *testing.T) {
			var object map[string]any
			if err := yaml.Unmarshal([]byte(c.object), &object); err != nil {
				t.Fatal(err)
			}
			got, err := encode([]unstructured.Unstructured{{Object: object}})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(got), c.with) || strings.Contains(string(got), c.without) {
				t.Errorf("want %q and not %q:\n%s", c.with, c.without, got)
			}
		})
	}
}

func TestKnownSecretsAndWhatLooksLikeOneAreTakenOutOfLogs(t *testing.T) {
	var s scrubber
	s.learn([]byte("hunter2-hunter2\n"))
	s.learn([]byte("postgres://u:in-a-url-9@db/x"))
	s.learn([]byte("host=db password=in-a-dsn-9 user=u"))
	s.learn([]byte("short"))
	for line, want := range map[string]string{
		"the password is hunter2-hunter2.":                    "the password is [secret].",
		`{"msg":"hunter2-hunter2\n"}`:                         `{"msg":"[secret]"}`,
		"encoded: aHVudGVyMi1odW50ZXIyCg==":                   "encoded: [secret]",
		"login with in-a-url-9":                               "login with [secret]",
		"login with in-a-dsn-9":                               "login with [secret]",
		"a short word stays":                                  "a short word stays",
		"Authorization: Bearer abcdef0123456789":              "Authorization: Bearer [secret]",
		"token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJh.c2lnbmF0dXI": "token [secret]",
		"mysql://root:whatever@db":                            "mysql://root:[secret]@db",
		`"password":"whatever"`:                               `"password":"[secret]"`,
		"secret:\n  secretName: files":                        "secret:\n  secretName: files",
		"automountServiceAccountToken: false":                 "automountServiceAccountToken: false",
		"password=whatever next":                              "password=[secret] next",
	} {
		if got := string(s.scrub([]byte(line))); got != want {
			t.Errorf("%s\ngave %s\nwant %s", line, got, want)
		}
	}
}
