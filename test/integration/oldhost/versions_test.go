// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package oldhost_test

import (
	"context"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/integration/conformance/hostadmission"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// hosts are the releases before the one that the other packages run on. All are the same binaries, which serve what the release
// served by default.
var hosts = []struct {
	version string
	// mutates says that MutatingAdmissionPolicy is served in v1.
	mutates bool
}{
	{version: "1.34"},
	{version: "1.35"},
	{version: "1.36", mutates: true},
}

// The walk is short, and everything of the cluster takes part in it, the scheduler and the controllers too.
func TestAServerLivesAndDiesOnEverySupportedHost(t *testing.T) {
	for _, host := range hosts {
		t.Run(host.version, func(t *testing.T) {
			older, err := harness.Start(t.Context(), harness.Options{Name: "oldhost-" + host.version, EmulatedVersion: host.version, StandIn: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := older.Plane.Stop(); err != nil {
					t.Error(err)
				}
			})
			info, err := older.Admin.Kube.Discovery().ServerVersion()
			if err != nil {
				t.Fatal(err)
			}
			if got := info.EmulationMajor + "." + info.EmulationMinor; got != host.version {
				t.Fatalf("the host behaves like %s", got)
			}

			subject := older.NewSubject(t)
			subject.Patch(t, `{"spec":{"logging":{"level":"DEBUG"}}}`)
			subject.AwaitReady(t)

			hostadmission.ValidatingPolicy(t, older)
			if host.mutates {
				hostadmission.MutatingPolicy(t, older)
			}

			namespaces := older.Admin.Kube.CoreV1().Namespaces()
			if err := namespaces.Delete(t.Context(), subject.Namespace, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			harness.Eventually(t, "the namespace is gone, with the server in it", func(ctx context.Context) error {
				if _, err := namespaces.Get(ctx, subject.Namespace, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
					return errors.Join(errors.New("still there"), err)
				}
				return nil
			})
		})
	}
}
