// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package runbooks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func TestTheAuditPolicyHasWhoChangedWhatAndNoToken(t *testing.T) {
	root, err := harness.RepoDir()
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "audit.log")
	cluster.RestartWith(t, "--access-without-class=admin,proxy", "--audit-log-path="+log,
		"--audit-policy-file="+filepath.Join(root, "artifacts", "deploy", "components", "audit", "policy.yaml"))
	files := cluster.NewSubject(t)
	files.Patch(t, `{"metadata":{"labels":{"example.com/a":"changed-by-an-edit"}}}`)
	servers := cluster.Admin.DittoServers(files.Namespace)
	request := &dittofsv1alpha1.CredentialsRequest{Spec: dittofsv1alpha1.CredentialsRequestSpec{Role: dittofsv1alpha1.CredentialsAdmin}}
	issued, err := servers.CreateCredentials(t.Context(), files.Name, request, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	proxied := "/apis/dittofs.io/v1alpha1/namespaces/" + files.Namespace + "/dittoservers/" + files.Name + "/proxy/api/v1/adapters"
	cluster.Admin.Kubectl("").Run(t, "get", "--raw", proxied)
	if _, err := servers.List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}

	var events map[string]auditv1.Event
	var text string
	harness.Eventually(t, "the log has them all", func(context.Context) error {
		content, err := os.ReadFile(log)
		if err != nil {
			return err
		}
		text, events = string(content), map[string]auditv1.Event{}
		for line := range strings.Lines(text) {
			var event auditv1.Event
			if err := json.Unmarshal([]byte(line), &event); err != nil {
				return err
			}
			what := event.Verb + " " + event.RequestURI
			if ref := event.ObjectRef; ref != nil {
				what = event.Verb + " " + strings.TrimSuffix(ref.Resource+"/"+ref.Subresource, "/")
			}
			if strings.HasPrefix(event.User.Username, "test-admin") {
				events[what] = event
			} else if event.User.Username == "system:dittofs:controller" && event.Verb == "watch" {
				return fmt.Errorf("a watch of the controllers is in it")
			}
		}
		for _, what := range []string{"create dittoservers", "patch dittoservers", "create dittoservers/credentials", "get dittoservers/proxy", "list dittoservers"} {
			if _, ok := events[what]; !ok {
				return fmt.Errorf("there is no %q yet", what)
			}
		}
		return nil
	})
	for what, event := range events {
		bodies := event.RequestObject != nil
		if written := what == "create dittoservers" || what == "patch dittoservers"; bodies != written || event.ResponseObject != nil {
			t.Errorf("%s has the level %s, a request body: %t, an answer: %t", what, event.Level, bodies, event.ResponseObject != nil)
		}
	}
	if !strings.Contains(text, "changed-by-an-edit") {
		t.Error("what was changed is not in the log")
	}
	if issued.Status.Token == "" || strings.Contains(text, issued.Status.Token) || strings.Contains(text, "eyJ") {
		t.Error("a token is in the log")
	}
	if strings.Contains(text, "/readyz") || strings.Contains(text, `"stage":"RequestReceived"`) {
		t.Error("the log has what the policy leaves out")
	}
}
