// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/cert"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

const apiService = "v1alpha1.dittofs.io"

// No pod runs here: this is about the objects. What the server does to them at run time is done by hand.
func TestInstallUpgradeAndUninstall(t *testing.T) {
	kubectl := cluster.Admin.Kubectl("")
	services, secrets := cluster.Admin.Kube.CoreV1().Services(theNamespace), cluster.Admin.Kube.CoreV1().Secrets(theNamespace)

	notes := run(t, "install", "dittofs-apiserver", chart, "--namespace="+theNamespace, "--create-namespace",
		"--set=image.repository=registry.example.com/dittofs-apiserver,image.tag=v1,backup.enabled=true")
	if !strings.Contains(notes, "kubectl wait apiservice "+apiService) || strings.Contains(notes, "No image is published yet") {
		t.Errorf("the notes do not say what to do next: %s", notes)
	}
	if _, err := try(t, "install", "second", chart, "--namespace="+theNamespace); err == nil {
		t.Error("a second release is installed over the first")
	}

	// The server fills its Secret and the caBundle.
	certificate := bundle(t)
	patched := fmt.Appendf(nil, `{"data":{"ca.crt":%q}}`, "LS0tCg==")
	if _, err := secrets.Patch(t.Context(), "dittofs-apiserver-authority", types.MergePatchType, patched, metav1.PatchOptions{FieldManager: "dittofs-apiserver"}); err != nil {
		t.Fatal(err)
	}
	kubectl.Run(t, "patch", "apiservice", apiService, "--type=merge", "--field-manager=dittofs-apiserver", "-p", `{"spec":{"caBundle":"`+certificate+`"}}`)

	before := claims(t)
	run(t, "upgrade", "dittofs-apiserver", chart, "--namespace="+theNamespace, "--reset-then-reuse-values", "--set=image.tag=v2,monitoring.enabled=false,generateCredentials=false")
	if image := kubectl.Run(t, "get", "statefulset", "dittofs-apiserver", "-n", theNamespace, "-o", "jsonpath={.spec.template.spec.containers[0].image}"); image != "registry.example.com/dittofs-apiserver:v2" {
		t.Errorf("the image is %s after the upgrade", image)
	}
	if out := kubectl.Try(t, "get", "clusterrole", "dittofs-generate-credentials"); out.ExitCode == 0 {
		t.Error("a right that the new values do not give is still there")
	}
	secret, err := secrets.Get(t.Context(), "dittofs-apiserver-authority", metav1.GetOptions{})
	if err != nil || len(secret.Data["ca.crt"]) == 0 {
		t.Errorf("the upgrade took the authority away (%v)", err)
	}
	if got := kubectl.Run(t, "get", "apiservice", apiService, "-o", "jsonpath={.spec.caBundle}"); got != certificate {
		t.Errorf("the upgrade took the caBundle away: %q", got)
	}
	run(t, "rollback", "dittofs-apiserver", "1", "--namespace="+theNamespace)
	if got := kubectl.Run(t, "get", "apiservice", apiService, "-o", "jsonpath={.spec.caBundle}"); got != certificate {
		t.Errorf("the rollback took the caBundle away: %q", got)
	}

	position := cluster.AuditPosition(t)
	run(t, "uninstall", "dittofs-apiserver", "--namespace="+theNamespace)
	harness.Eventually(t, "the Service is gone", func(ctx context.Context) error {
		if _, err := services.Get(ctx, "dittofs-apiserver", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return errors.Join(errors.New("still there"), err)
		}
		return nil
	})
	var deleted []string
	for _, event := range cluster.AuditSince(t, position) {
		if event.Verb == "delete" && event.ObjectRef != nil && event.User.Username == "test-admin" && event.ObjectRef.Resource != "secrets" {
			deleted = append(deleted, event.ObjectRef.Resource+"/"+event.ObjectRef.Name)
		}
	}
	// Without its server, an APIService blocks every deletion of a namespace.
	if len(deleted) < 20 || deleted[0] != "apiservices/"+apiService {
		t.Errorf("the APIService does not go first: %v", deleted)
	}
	if after := claims(t); after != before || !strings.Contains(after, "dittofs-apiserver-backup") {
		t.Errorf("the claims were %q and are %q", before, after)
	}
	if _, err := cluster.Admin.Kube.CoreV1().Namespaces().Get(t.Context(), theNamespace, metav1.GetOptions{}); err != nil {
		t.Errorf("the namespace: %v", err)
	}
	// What is left does not stand in the way of the next one.
	run(t, "install", "dittofs-apiserver", chart, "--namespace="+theNamespace, "--set=backup.enabled=true")
	run(t, "uninstall", "dittofs-apiserver", "--namespace="+theNamespace)
}

// bundle is an authority, as it is in an APIService.
func bundle(t *testing.T) string {
	t.Helper()
	certificate, _, err := cert.GenerateSelfSignedCertKey("dittofs-apiserver-ca", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(certificate)
}

func claims(t *testing.T) string {
	t.Helper()
	return cluster.Admin.Kubectl(theNamespace).Run(t, "get", "persistentvolumeclaims", "-o", "jsonpath={range .items[*]}{.metadata.name}/{.metadata.uid} {end}")
}
