// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package tenancy_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func narrow(c *dittofsv1alpha1.DittoServerClass) {
	c.Spec.Defaults.AdapterServices = &dittofsv1alpha1.ClassServiceDefaults{Type: "ClusterIP"}
	c.Spec.Limits.Services.Types = &dittofsv1alpha1.AllowedValues{Allowed: []string{"ClusterIP"}}
	c.Spec.Limits.Storage.MaxVolumeSize = ptr.To(resource.MustParse("2Gi"))
	c.Spec.Limits.ExtraEnv = &dittofsv1alpha1.AllowedValues{}
	c.Spec.Limits.Config = &dittofsv1alpha1.AllowedValues{Allowed: []string{"gc.*"}}
	c.Spec.Reserved = []string{"rollout"}
}

// awaitRights waits until the user can create a server of the class.
func awaitRights(t *testing.T, user *harness.User, namespace, name string) {
	t.Helper()
	harness.Eventually(t, "the class can be used", func(context.Context) error {
		if out := user.Kubectl(namespace).Stdin(fmt.Sprintf(small, name)).Try(t, "create", "--dry-run=server", "-f", "-"); out.ExitCode != 0 {
			return errors.New(out.Stderr)
		}
		return nil
	})
}

func TestWhatIsWithinTheLimitsPassesAndTheVerbOverrideGoesBeyond(t *testing.T) {
	namespace := cluster.Namespace(t)
	name := class(t, narrow)
	user := tenant(t, "linus", namespace)
	grant(t, user, namespace, name, "use")
	awaitRights(t, user, namespace, name)
	kubectl := user.Kubectl(namespace)
	kubectl.Stdin(fmt.Sprintf(small, name)).Run(t, "create", "-f", "-")

	const patch = "patch dittoserver files --type=merge -p "
	kubectl.Run(t, strings.Fields(patch+`{"spec":{"storage":{"metadataSize":"2Gi"},"config":{"gc":{"auto_interval":"30m"}}}}`)...)
	kubectl.Run(t, "scale", "dittoserver", "files", "--replicas=0")
	kubectl.Run(t, "label", "dittoserver", "files", "a=b")

	t.Run("with the verb override it passes, with a warning", func(t *testing.T) {
		boss := tenant(t, "boss", namespace)
		grant(t, boss, namespace, name, "use", "override")
		harness.Eventually(t, "the boss may go beyond", func(context.Context) error {
			out := boss.Kubectl(namespace).Try(t, strings.Fields(patch+`{"spec":{"rollout":"OnRequest","extraEnv":[{"name":"A","value":"b"}]}}`)...)
			if out.ExitCode != 0 {
				return errors.New(out.Stderr)
			}
			if !strings.Contains(out.Stderr, "beyond what the class") {
				t.Errorf("the warning is %q", out.Stderr)
			}
			return nil
		})
		// What the boss has allowed does not stand in the tenant's way.
		kubectl.Run(t, strings.Fields(patch+`{"spec":{"shutdownTimeout":"40s"}}`)...)
		if answer := kubectl.Fail(t, strings.Fields(patch+`{"spec":{"extraEnv":[{"name":"B"}]}}`)...); !strings.Contains(answer, "spec.extraEnv") {
			t.Errorf("the refusal is %s", answer)
		}
	})
}

func TestTheDefaultClassIsForThoseThatNameNone(t *testing.T) {
	namespace := cluster.Namespace(t)
	none := strings.ReplaceAll(fmt.Sprintf(small, ""), "  className: \n", "")
	empty := fmt.Sprintf(small, `""`)
	user := tenant(t, "defa", namespace)
	kubectl := user.Kubectl(namespace)
	harness.Eventually(t, "the tenant has rights", func(context.Context) error {
		if out := kubectl.Stdin(none).Try(t, "create", "--dry-run=server", "-f", "-"); out.ExitCode != 0 {
			return errors.New(out.Stderr)
		}
		return nil
	})
	name := class(t, func(c *dittofsv1alpha1.DittoServerClass) {
		c.Annotations = map[string]string{dittofsv1alpha1.AnnotationDefaultClass: "true"}
	})
	classes := cluster.Admin.DittoFS.DittofsV1alpha1().DittoServerClasses()
	t.Cleanup(func() {
		_, _ = classes.Patch(context.Background(), name, "application/merge-patch+json",
			[]byte(`{"metadata":{"annotations":{"dittofs.io/is-default-class":"false"}}}`), metav1.PatchOptions{})
	})
	harness.Eventually(t, "the default class is found", func(context.Context) error {
		out := kubectl.Stdin(none).Try(t, "create", "--dry-run=server", "-f", "-")
		if out.ExitCode == 0 || !strings.Contains(out.Stderr, `the verb use on DittoServerClass "`+name+`"`) {
			return fmt.Errorf("%d: %s", out.ExitCode, out.Stderr)
		}
		return nil
	})
	if answer := kubectl.Stdin(empty).Fail(t, "create", "-f", "-"); !strings.Contains(answer, `goes around the default class`) || !strings.Contains(answer, "the verb override on DittoServerClass") {
		t.Errorf("the refusal is %s", answer)
	}
	grant(t, user, namespace, name, "use")
	awaitRights(t, user, namespace, name)
	if answer := kubectl.Stdin(empty).Fail(t, "create", "-f", "-"); !strings.Contains(answer, "the verb override") {
		t.Errorf("the refusal is %s", answer)
	}
	kubectl.Stdin(none).Run(t, "create", "-f", "-")
	if got := kubectl.Run(t, "get", "dittoserver", "files", "-o", "jsonpath={.spec.className}"); got != name {
		t.Errorf("the class is %q", got)
	}
	// An admin may go without.
	cluster.Admin.Kubectl(namespace).Stdin(strings.ReplaceAll(empty, "files", "free")).Run(t, "create", "-f", "-")
}
