// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package subresources_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// rules are what of a PrometheusRule is looked at.
type rules struct {
	Spec struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
}

// dashboard is what of a Grafana dashboard is looked at.
type dashboard struct {
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
}

var (
	metricName = regexp.MustCompile(`\b(?:dittofs|apiserver|etcd|process|workqueue|controller_runtime|leader_election)_[a-z_]+`)
	heading    = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// An alert about a metric that does not exist never fires, and nobody notices.
func TestEveryMetricOfAnAlertOrAPanelExistsAndEveryAlertHasARunbook(t *testing.T) {
	root, err := harness.RepoDir()
	if err != nil {
		t.Fatal(err)
	}
	component := filepath.Join(root, "artifacts", "deploy", "components", "monitoring")
	parse := func(name string, into any) {
		t.Helper()
		content, err := os.ReadFile(filepath.Join(component, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(content, into); err != nil {
			t.Fatal(err)
		}
	}
	var alerts rules
	var panels dashboard
	parse("prometheusrule.yaml", &alerts)
	parse("dittofs.json", &panels)
	expressions := map[string]string{}
	for _, group := range alerts.Spec.Groups {
		for _, rule := range group.Rules {
			expressions["alert "+rule.Alert] = rule.Expr
			if err := anchor(root, rule.Annotations["runbook_url"]); err != nil {
				t.Errorf("alert %s: %v", rule.Alert, err)
			}
			if rule.Annotations["summary"] == "" {
				t.Errorf("alert %s has no summary", rule.Alert)
			}
		}
	}
	for _, panel := range panels.Panels {
		for _, target := range panel.Targets {
			expressions["panel "+panel.Title] += " " + target.Expr
		}
	}
	if len(expressions) < 20 {
		t.Fatalf("%d expressions were found", len(expressions))
	}
	// Those of single servers, and those that count what has happened, are there once there is one of it.
	subject := cluster.NewSubject(t)
	subject.AwaitReady(t)
	documented, err := os.ReadFile(filepath.Join(root, "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "every metric is there", func(context.Context) error {
		served := send(t, cluster.Server.DirectConfig(), http.MethodGet, "/metrics", "").body
		var missing []string
		for where, expression := range expressions {
			for _, name := range metricName.FindAllString(expression, -1) {
				base := strings.TrimSuffix(name, "_bucket")
				if !strings.Contains(served, "# TYPE "+base+" ") && !strings.Contains(string(documented), "`"+base+"`") {
					missing = append(missing, where+": "+name)
				}
			}
		}
		if len(missing) > 0 {
			slices.Sort(missing)
			return fmt.Errorf("nothing of ours has these: %q", missing)
		}
		return nil
	})
}

// anchor says whether a link into the documents leads anywhere.
func anchor(root, link string) error {
	file, fragment, _ := strings.Cut(link, "#")
	content, err := os.ReadFile(filepath.Join(root, file))
	if err != nil || !strings.HasPrefix(file, "docs/") {
		return fmt.Errorf("the runbook %q leads nowhere: %w", link, err)
	}
	if fragment == "" {
		return nil
	}
	for _, match := range heading.FindAllStringSubmatch(string(content), -1) {
		name := strings.ToLower(match[1])
		name = regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(name, "")
		if strings.ReplaceAll(name, " ", "-") == fragment {
			return nil
		}
	}
	return fmt.Errorf("the runbook %q has no such heading", link)
}
