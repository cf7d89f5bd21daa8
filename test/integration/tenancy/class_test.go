// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package tenancy_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

const small = `
apiVersion: dittofs.io/v1alpha1
kind: DittoServer
metadata: {name: files}
spec:
  className: %s
  storage: {metadataSize: 1Gi}
`

func TestWhatAClassGivesIsInTheStoredObject(t *testing.T) {
	namespace := cluster.Namespace(t)
	user := tenant(t, "gina", namespace)
	name := class(t, func(c *dittofsv1alpha1.DittoServerClass) {
		c.Spec.Defaults.Image = "registry.example.com/dittofs:v0.29.0"
		c.Spec.Defaults.AdapterServices = &dittofsv1alpha1.ClassServiceDefaults{Type: "ClusterIP"}
		c.Spec.Defaults.Logging = &dittofsv1alpha1.ClassLoggingDefaults{Level: dittofsv1alpha1.LogWarn}
		c.Spec.Defaults.NodeSelector = map[string]string{"pool": "files"}
	})
	manifest := fmt.Sprintf(small, name)

	t.Run("not without the verb use", func(t *testing.T) {
		answer := user.Kubectl(namespace).Stdin(manifest).Fail(t, "create", "-f", "-")
		for _, want := range []string{`user "gina" lacks in namespace ` + namespace, `the verb use on DittoServerClass "` + name + `" (spec.className)`} {
			if !strings.Contains(answer, want) {
				t.Errorf("the refusal lacks %q: %s", want, answer)
			}
		}
	})
	grant(t, user, namespace, name, "use")
	// RBAC of the cluster and our cache of its answers take a moment.
	harness.Eventually(t, "the class can be used", func(ctx context.Context) error {
		if out := user.Kubectl(namespace).Stdin(manifest).Try(t, "create", "--dry-run=server", "-f", "-"); out.ExitCode != 0 {
			return errors.New(out.Stderr)
		}
		return nil
	})
	for _, way := range [][]string{{"create", "-f", "-"}, {"apply", "-f", "-"}, {"apply", "--server-side", "-f", "-"}} {
		t.Run(strings.Join(way, " "), func(t *testing.T) {
			user.Kubectl(namespace).Stdin(manifest).Run(t, way...)
			stored, err := cluster.Admin.DittoServers(namespace).Get(t.Context(), "files", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			spec := &stored.Spec
			if spec.Image != "registry.example.com/dittofs:v0.29.0" || spec.AdapterServices.Type != "ClusterIP" ||
				spec.Logging.Level != "WARN" || spec.Logging.Format != "json" || spec.NodeSelector["pool"] != "files" {
				t.Errorf("stored is %+v", spec)
			}
			// The fixed defaults are set where the class says nothing.
			if spec.Service.Type != "ClusterIP" || spec.Rollout != "Automatic" || spec.Database.Type != "sqlite" || spec.Replicas == nil {
				t.Errorf("stored is %+v", spec)
			}
			user.Kubectl(namespace).Run(t, "delete", "dittoserver", "files", "--wait=true", "--cascade=orphan")
		})
	}
}

func TestALaterChangeOfTheClassChangesNoServerAndIsTold(t *testing.T) {
	namespace := cluster.Namespace(t)
	name := class(t, func(c *dittofsv1alpha1.DittoServerClass) { c.Spec.Defaults.Image = "a.example.com/dfs:v0.29.0" })
	admin := cluster.Admin.Kubectl(namespace)
	admin.Stdin(fmt.Sprintf(small, name)).Run(t, "create", "-f", "-")
	cluster.AwaitCondition(t, harness.PatienceLimit, namespace, "files", dittofsv1alpha1.ConditionClassConformant, metav1.ConditionTrue, "WithinClass")

	admin.Run(t, "patch", "dittoserverclass", name, "--type=merge", "-p",
		`{"spec":{"defaults":{"image":"b.example.com/dfs:v0.29.0"},"limits":{"images":{"allowed":["b.example.com/*"]}}}}`)
	message := cluster.AwaitCondition(t, harness.PatienceLimit, namespace, "files", dittofsv1alpha1.ConditionClassConformant, metav1.ConditionFalse, "DiffersFromClass")
	if !strings.Contains(message, "spec.image is a.example.com/dfs:v0.29.0") || !strings.Contains(message, "b.example.com/*") {
		t.Errorf("the condition says %s", message)
	}
	stored, err := cluster.Admin.DittoServers(namespace).Get(t.Context(), "files", metav1.GetOptions{})
	if err != nil || stored.Spec.Image != "a.example.com/dfs:v0.29.0" || stored.Generation != 1 {
		t.Errorf("stored is generation %d with %s: %v", stored.Generation, stored.Spec.Image, err)
	}

	// Who does not go beyond the class may still change the server, and replace it without its image.
	user := tenant(t, "later", namespace)
	grant(t, user, namespace, name, "use")
	harness.Eventually(t, "the tenant may change the server", func(context.Context) error {
		if out := user.Kubectl(namespace).Try(t, "patch", "dittoserver", "files", "--type=merge", "-p", `{"spec":{"shutdownTimeout":"40s"}}`); out.ExitCode != 0 {
			return errors.New(out.Stderr)
		}
		return nil
	})
	if out := replace(t, user.Kubectl(namespace).Stdin(fmt.Sprintf(small, name))); out.ExitCode != 0 {
		t.Fatalf("the server is not replaced: %s", out.Stderr)
	}
	stored, err = cluster.Admin.DittoServers(namespace).Get(t.Context(), "files", metav1.GetOptions{})
	if err != nil || stored.Spec.Image != "a.example.com/dfs:v0.29.0" {
		t.Errorf("replaced without an image, the server has %s: %v", stored.Spec.Image, err)
	}
}

func TestAClassInUseIsNotDeletedAndCountsItsServers(t *testing.T) {
	namespace := cluster.Namespace(t)
	name := class(t, func(*dittofsv1alpha1.DittoServerClass) {})
	admin := cluster.Admin.Kubectl("")
	cluster.Admin.Kubectl(namespace).Stdin(fmt.Sprintf(small, name)).Run(t, "create", "-f", "-")
	if out := strings.Fields(admin.Run(t, "get", "dittoclass", name, "--no-headers")); len(out) != 6 || out[1] != "false" || out[2] != "1" || out[3] != "*" {
		t.Errorf("printed is %q", out)
	}
	for _, args := range [][]string{{"delete", "dittoserverclass", name}, {"delete", "dittoserverclasses", "--field-selector=metadata.name=" + name}} {
		answer := admin.Fail(t, args...)
		if !strings.Contains(answer, "in use by 1 DittoServers: "+namespace+"/files; delete them first") {
			t.Errorf("%v: the refusal is %s", args, answer)
		}
	}
	err := cluster.Admin.DittoFS.DittofsV1alpha1().DittoServerClasses().DeleteCollection(t.Context(), metav1.DeleteOptions{},
		metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err == nil || !strings.Contains(err.Error(), "in use by 1 DittoServers") {
		t.Errorf("deletecollection: %v", err)
	}
	cluster.Admin.Kubectl(namespace).Run(t, "delete", "dittoserver", "files", "--cascade=orphan")
	admin.Run(t, "delete", "dittoserverclass", name)
}

func TestTheClassOfAServerNeverChanges(t *testing.T) {
	namespace := cluster.Namespace(t)
	one, two := class(t, func(*dittofsv1alpha1.DittoServerClass) {}), class(t, func(*dittofsv1alpha1.DittoServerClass) {})
	admin := cluster.Admin.Kubectl(namespace)
	admin.Stdin(fmt.Sprintf(small, one)).Run(t, "create", "-f", "-")
	for name, try := range map[string]func() string{
		"by patch": func() string {
			return admin.Fail(t, "patch", "dittoserver", "files", "--type=merge", "-p", `{"spec":{"className":"`+two+`"}}`)
		},
		"to none": func() string {
			return admin.Fail(t, "patch", "dittoserver", "files", "--type=merge", "-p", `{"spec":{"className":""}}`)
		},
		"by replace": func() string { return replace(t, admin.Stdin(fmt.Sprintf(small, two))).Stderr },
		"by apply with another manager": func() string {
			return admin.Stdin(fmt.Sprintf(small, two)).Fail(t, "apply", "--server-side", "--force-conflicts", "--field-manager=other", "-f", "-")
		},
	} {
		t.Run(name, func(t *testing.T) {
			if answer := try(); !strings.Contains(answer, "is immutable: a server keeps its class for life") {
				t.Errorf("the refusal is %s", answer)
			}
		})
	}
	t.Run("by status it is ignored", func(t *testing.T) {
		admin.Run(t, "patch", "dittoserver", "files", "--subresource=status", "--type=merge", "-p", `{"spec":{"className":"`+two+`"}}`)
		if got := admin.Run(t, "get", "dittoserver", "files", "-o", "jsonpath={.spec.className}"); got != one {
			t.Errorf("the class is %s", got)
		}
	})
	t.Run("left out, it stays", func(t *testing.T) {
		if out := replace(t, admin.Stdin(strings.ReplaceAll(fmt.Sprintf(small, ""), "  className: \n", ""))); out.ExitCode != 0 {
			t.Fatalf("the server is not replaced: %s", out.Stderr)
		}
		if got := admin.Run(t, "get", "dittoserver", "files", "-o", "jsonpath={.spec.className}"); got != one {
			t.Errorf("the class is %s", got)
		}
	})
	if got := admin.Run(t, "get", "dittoservers", "-A", "--field-selector=spec.className="+one, "-o", "name"); strings.TrimSpace(got) != "dittoserver.dittofs.io/files" {
		t.Errorf("selected is %q", got)
	}
	admin.Stdin(fmt.Sprintf(strings.ReplaceAll(small, "files", "other"), "none-such")).Fail(t, "create", "-f", "-")
}

// replace is kubectl replace of what stands in its input. kubectl looks up the version first, and our controllers may
// write the status after that: then it is tried again.
func replace(t *testing.T, kubectl harness.Kubectl) (out harness.Output) {
	t.Helper()
	harness.Eventually(t, "kubectl replaces the version that it has looked up", func(context.Context) error {
		if out = kubectl.Try(t, "replace", "-f", "-"); strings.Contains(out.Stderr, "(Conflict)") {
			return errors.New(out.Stderr)
		}
		return nil
	})
	return out
}
