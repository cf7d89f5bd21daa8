// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package hostadmission tries what an admin of the host cluster sets up for admission (policies, webhooks, quotas) on our
// kind. In: a running cluster, of any version that serves what is tried. It fails the test unless our server obeys as
// kube-apiserver would; it never leaves anything behind that reaches another namespace than its own.
package hostadmission

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var dryRun = []string{metav1.DryRunAll}

// inNamespace selects one, so that one test leaves the others alone.
func inNamespace(namespace string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}}
}

// writesOf are creates and updates of our resources.
func writesOf(resources ...string) admissionv1.RuleWithOperations {
	return admissionv1.RuleWithOperations{
		Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
		Rule:       admissionv1.Rule{APIGroups: []string{"dittofs.io"}, APIVersions: []string{"*"}, Resources: resources},
	}
}

func matching(namespace string, resources ...string) *admissionv1.MatchResources {
	return &admissionv1.MatchResources{
		NamespaceSelector: inNamespace(namespace),
		ResourceRules:     []admissionv1.NamedRuleWithOperations{{RuleWithOperations: writesOf(resources...)}},
	}
}

// foreign has an image that the tests do not allow.
func foreign() *dittofsv1alpha1.DittoServer {
	return harness.NewDittoServer("foreign", func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "example/dfs:v1" })
}

// expectCreateRefused waits until the server has heard of what was set up, and refuses the object with this message.
func expectCreateRefused(t *testing.T, c *harness.Cluster, namespace string, server *dittofsv1alpha1.DittoServer, message string) {
	t.Helper()
	harness.Eventually(t, "the create is refused", func(ctx context.Context) error {
		_, err := c.Admin.DittoServers(namespace).Create(ctx, server, metav1.CreateOptions{DryRun: dryRun})
		return refused(err, message)
	})
}

// expectMutated waits until new servers get the label and the log level of the tests.
func expectMutated(t *testing.T, c *harness.Cluster, namespace string) {
	t.Helper()
	harness.Eventually(t, "new servers are changed", func(ctx context.Context) error {
		server, err := c.Admin.DittoServers(namespace).Create(ctx, harness.NewDittoServer("files"), metav1.CreateOptions{DryRun: dryRun})
		if err != nil {
			return err
		}
		if server.Labels["team"] != "storage" || server.Spec.Logging.Level != dittofsv1alpha1.LogDebug {
			return fmt.Errorf("labels %v, log level %s", server.Labels, server.Spec.Logging.Level)
		}
		return nil
	})
}

func refused(err error, message string) error {
	if err == nil {
		return errors.New("it is not refused")
	}
	if !strings.Contains(err.Error(), message) {
		return fmt.Errorf("the refusal lacks %q: %w", message, err)
	}
	return nil
}
