// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// sampleSecrets are those that the comments of the samples tell users to make, with their keys.
var sampleSecrets = map[string][]string{
	"projects-jwt": {"signing-key"}, "projects-admin": {"password"},
	"media-postgres": {"host", "port", "database", "user", "password", "sslmode"}, "media-scrape": {"token"},
	"catalog-backup":  {"s3.conf"},
	"campus-bind":     {"password"},
	"studio-kerberos": {"service.keytab", "krb5.conf"}, "studio-machine": {"password"},
	"ledger-api": {"tls.crt", "tls.key", "ca.crt"}, "ledger-callers": {"ca.crt"}, "ledger-controller": {"tls.crt", "tls.key"},
}

// sampleWarnings are what a sample is warned of although nothing is missing: a sample that everybody starts from
// should show nothing that is probably not meant.
var sampleWarnings = map[string][]string{}

func TestSamplesApplyAsTheyAre(t *testing.T) {
	installPercona(t)
	defer removePercona(t)
	files := manifestsIn(t, filepath.Join("..", "..", "..", "artifacts", "samples"))
	if len(files) < 9 {
		t.Errorf("%d samples, want 9 or more", len(files))
	}
	namespace := cluster.Namespace(t)
	for name, keys := range sampleSecrets {
		leaveSecretWithKeys(t, namespace, name, keys)
	}
	seen := map[string]string{}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text := readFile(t, file)
			for _, document := range documentsOf(t, text) {
				if other, ok := seen[document.GetName()]; ok {
					t.Errorf("%s has the name %q too", other, document.GetName())
				}
				seen[document.GetName()] = filepath.Base(file)
			}
			for _, warning := range applyAndReadBack(t, namespace, text) {
				if !slices.Contains(sampleWarnings[filepath.Base(file)], warning) {
					t.Errorf("a warning: %s", warning)
				}
			}
		})
	}
}

// operatorsFields are those of the samples of the DittoFS operator, v0.29.0, what stands there in comments included.
var operatorsFields = []string{
	"image", "replicas", "storage.metadataSize", "storage.contentSize",
	"database.type", "database.sqlite.path", "database.postgresSecretRef.name", "database.postgresSecretRef.key",
	"controlPlane.port", "controlPlane.tls", "controlPlane.certSecretName", "controlPlane.clientCASecretName",
	"identity.type", "identity.jwt.secretRef.name", "identity.jwt.secretRef.key", "identity.jwt.accessTokenDuration",
	"identity.jwt.refreshTokenDuration", "identity.admin.username", "identity.admin.passwordSecretRef.name",
	"identity.admin.passwordSecretRef.key", "service.type", "service.annotations", "adapterServices.type",
	"percona.enabled", "percona.replicas", "percona.storageSize", "percona.databaseName", "percona.backup.enabled",
	"percona.backup.bucket", "percona.backup.endpoint", "percona.backup.region", "percona.backup.credentialsSecretRef.name",
	"resources.limits", "resources.requests",
}

func TestSamplesShowEveryFieldThatTheSamplesOfTheOperatorUse(t *testing.T) {
	var specs []map[string]any
	for _, file := range manifestsIn(t, filepath.Join("..", "..", "..", "artifacts", "samples")) {
		for _, document := range documentsOf(t, readFile(t, file)) {
			spec, _, _ := unstructured.NestedMap(document.Object, "spec")
			specs = append(specs, spec)
		}
	}
	for _, field := range operatorsFields {
		if !slices.ContainsFunc(specs, func(spec map[string]any) bool {
			_, found, err := unstructured.NestedFieldNoCopy(spec, strings.Split(field, ".")...)
			return found && err == nil
		}) {
			t.Errorf("no sample shows spec.%s", field)
		}
	}
}

// The samples of the operator name what this cluster does not have, and leave to us what ours decide.
var operatorsWarnings = regexp.MustCompile(`^Warning: spec\.(` +
	`image: ".*" moves with every release; .*|` +
	`[A-Za-z.]+: missing Secret ".*|` +
	`percona\.backup: no backups are made: .*|` +
	`database\.type: "sqlite" is not used, .*|` +
	`database\.postgresSecretRef: Secret ".*" is not used, percona wins: .*|` +
	`deletionPolicy\.database: Delete loses .*|` +
	`identity\.kerberos\.netbiosDomain: without it .*)$`)

// fieldsOfNobody are in samples of the operator, but not in its own v1alpha1 either: it refuses them as we do.
var fieldsOfNobody = []string{"smb", "nfs", "nfsPort"}

// Samples of the operator apply after a change of nothing but apiVersion. They are not ours to ship, so the test takes
// a directory of YAML files; what is in it must be accepted by the operator's own definition.
//
//	git clone --depth 1 --branch v0.29.0 https://github.com/marmos91/dittofs /tmp/dittofs
//	UPSTREAM_SAMPLES=/tmp/dittofs/k8s/dittofs-operator/config/samples go test -v -run Samples ./test/integration/api
//
// Each file has a namespace to itself, so that those with the same names do not meet.
func TestSamplesOfTheOperatorApplyAfterChangingTheAPIVersion(t *testing.T) {
	directory := os.Getenv("UPSTREAM_SAMPLES")
	if directory == "" {
		t.Skip("UPSTREAM_SAMPLES names no directory")
	}
	installPercona(t)
	defer removePercona(t)
	for _, file := range manifestsIn(t, directory) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			documents := documentsOf(t, strings.ReplaceAll(readFile(t, file), "dittofs.dittofs.com/v1alpha1", "dittofs.io/v1alpha1"))
			if len(documents) == 0 {
				t.Skip("nothing in it has an apiVersion")
			}
			namespace := cluster.Namespace(t)
			var parts []string
			for _, document := range documents {
				document.SetNamespace("")
				takeFieldsOfNobodyAway(t, namespace, document)
				for _, path := range [][]string{{"spec", "storage", "storageClassName"}, {"spec", "percona", "storageClassName"}} {
					if class, _, _ := unstructured.NestedString(document.Object, path...); class != "" {
						leaveStorageClass(t, class)
					}
				}
				parts = append(parts, asJSON(t, document))
			}
			for _, warning := range applyAndReadBack(t, namespace, strings.Join(parts, "\n---\n")) {
				t.Log(warning)
				if !operatorsWarnings.MatchString(warning) {
					t.Errorf("an unexpected warning: %s", warning)
				}
			}
		})
	}
}

// takeFieldsOfNobodyAway expects the refusal that the operator's own definition has for them, and takes them away.
func takeFieldsOfNobodyAway(t *testing.T, namespace string, document *unstructured.Unstructured) {
	t.Helper()
	text := asJSON(t, document)
	for _, field := range fieldsOfNobody {
		if _, found, _ := unstructured.NestedFieldNoCopy(document.Object, "spec", field); !found {
			continue
		}
		out := cluster.Admin.Kubectl(namespace).Stdin(text).Fail(t, "apply", "--validate=strict", "--dry-run=server", "-f", "-")
		if want := `unknown field "spec.` + field + `"`; !strings.Contains(out, want) {
			t.Errorf("kubectl says %s, want %s", out, want)
		}
		t.Logf("taken away: spec.%s", field)
		unstructured.RemoveNestedField(document.Object, "spec", field)
	}
}
