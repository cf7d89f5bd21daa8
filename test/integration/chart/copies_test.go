// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// copies are the templates in which nothing but the namespace and whether they are rendered depends on values. They are made
// from the manifests of the overlays, comments and all, so that no rule of RBAC is written twice.
var copies = []struct {
	template, manifest, condition string
}{
	{"serviceaccount.yaml", "base/serviceaccount.yaml", ""},
	{"rbac-apiserver.yaml", "base/rbac-apiserver.yaml", ""},
	{"rbac-controllers.yaml", "base/rbac-controllers.yaml", ""},
	{"roles-users.yaml", "base/roles-users.yaml", ".Values.roles.create"},
	{"flowschema.yaml", "base/flowschema.yaml", ".Values.flowSchema.create"},
	{"service.yaml", "base/service.yaml", ""},
	{"networkpolicy.yaml", "overlays/quickstart/networkpolicy.yaml", ".Values.networkPolicy.enabled"},
	{"certificates-secret.yaml", "components/self-managed-certificates/secret.yaml", ".Values.certificates.selfManaged"},
	{"certificates-rbac.yaml", "components/self-managed-certificates/rbac.yaml", ".Values.certificates.selfManaged"},
	{"credentials-rbac.yaml", "components/generate-credentials/rbac.yaml", ".Values.generateCredentials"},
	{"backup-rbac.yaml", "components/backup/rbac.yaml", ".Values.backup.enabled"},
	{"monitoring-rbac.yaml", "components/monitoring/rbac.yaml", ".Values.monitoring.enabled"},
	{"monitoring-rules.yaml", "components/monitoring/prometheusrule.yaml", "and .Values.monitoring.enabled .Values.monitoring.rules"},
	{"etcd-service.yaml", "etcd/service.yaml", ".Values.etcd.enabled"},
	{"etcd-poddisruptionbudget.yaml", "etcd/poddisruptionbudget.yaml", "and .Values.etcd.enabled (gt (int .Values.etcd.members) 1)"},
	{"etcd-networkpolicy.yaml", "etcd/networkpolicy.yaml", "and .Values.etcd.enabled .Values.networkPolicy.enabled"},
	{"etcd-authority.yaml", "components/cert-manager/authority.yaml", "and .Values.etcd.enabled .Values.etcd.certManager"},
}

// labelled are copies whose object takes the labels of monitoring.labels.
var labelled = map[string]bool{"monitoring-rules.yaml": true}

func copied(t *testing.T, template, manifest, condition string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(deploy, manifest))
	if err != nil {
		t.Fatal(err)
	}
	// What looks like a template is one of somebody else's: of Prometheus.
	text := strings.NewReplacer("{{", `{{ "{{" }}`, "}}", `{{ "}}" }}`).Replace(string(data))
	text = strings.ReplaceAll(text, theNamespace, "{{ .Release.Namespace }}")
	if labelled[template] {
		const place = "  namespace: {{ .Release.Namespace }}\n"
		text = strings.Replace(text, place, place+"  {{- with .Values.monitoring.labels }}\n  labels:\n    {{- toYaml . | nindent 4 }}\n  {{- end }}\n", 1)
	}
	text = fmt.Sprintf("{{- /* Made from artifacts/deploy/%s by `go test ./test/integration/chart -update`. */ -}}\n", manifest) + text
	if condition != "" {
		text = "{{- if " + condition + " }}\n" + text + "{{- end }}\n"
	}
	return text
}

func TestTemplatesThatAreCopiesAreUpToDate(t *testing.T) {
	for _, c := range copies {
		compare(t, filepath.Join(chart, "templates", c.template), copied(t, c.template, c.manifest, c.condition))
	}
	dashboard, err := os.ReadFile(filepath.Join(deploy, "components", "monitoring", "dittofs.json"))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, filepath.Join(chart, "files", "dittofs.json"), string(dashboard))
}

// compare holds a file to what it should be, or writes it.
func compare(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not up to date: run `go test ./test/integration/chart -update`", path)
	}
}
