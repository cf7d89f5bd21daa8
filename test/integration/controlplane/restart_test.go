// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
)

func TestComponentsRestartWithTheirDataAndUsersObeyRBAC(t *testing.T) {
	plane := start(t, controlplane.Options{})
	c := plane.Client()
	set := statefulSet("default", "web")
	if err := plane.StopControllers(); err != nil {
		t.Fatal(err)
	}
	create(t, c, set)
	if err := plane.RestartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(set), set); err != nil {
		t.Fatalf("what was written before the restart: %v", err)
	}
	if set.Status.ObservedGeneration != 0 {
		t.Error("the StatefulSet was reconciled while controllers were stopped")
	}
	if err := plane.StartControllers(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the StatefulSet is ready once controllers are back", func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(set), set); err != nil {
			return err
		}
		if set.Status.ReadyReplicas != 1 {
			return errors.New("no ready replica")
		}
		return nil
	})

	stranger, err := plane.AddUser("stranger", "strangers")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := client.New(stranger.Config, client.Options{Log: klog.Background()})
	if err != nil {
		t.Fatal(err)
	}
	if err := theirs.List(t.Context(), &corev1.SecretList{}); err == nil || !strings.Contains(err.Error(), `"stranger" cannot list`) {
		t.Errorf("a user without rights lists Secrets: %v", err)
	}

	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "fixed"}}
	claim.Spec = statefulSet("", "").Spec.VolumeClaimTemplates[0].Spec
	class := controlplane.FixedStorageClass
	claim.Spec.StorageClassName = &class
	create(t, c, claim)
	eventually(t, "a claim of the fixed class is bound", func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(claim), claim); err != nil {
			return err
		}
		if claim.Status.Phase != corev1.ClaimBound {
			return errors.New(string(claim.Status.Phase))
		}
		return nil
	})
	grow := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"resources":{"requests":{"storage":"5Gi"}}}}`))
	if err := c.Patch(t.Context(), claim, grow); err == nil {
		t.Error("a claim of the fixed class can grow")
	}
}

func TestEmulatedVersion(t *testing.T) {
	plane := start(t, controlplane.Options{EmulatedVersion: "1.34"})
	discoverer, err := discovery.NewDiscoveryClientForConfig(plane.AdminConfig())
	if err != nil {
		t.Fatal(err)
	}
	version, err := discoverer.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if version.EmulationMinor != "34" {
		t.Errorf("the server says it emulates %s.%s, want 1.34", version.EmulationMajor, version.EmulationMinor)
	}
	resources, err := discoverer.ServerResourcesForGroupVersion("admissionregistration.k8s.io/v1")
	if err != nil {
		t.Fatal(err)
	}
	for _, resource := range resources.APIResources {
		if resource.Name == "mutatingadmissionpolicies" {
			t.Error("1.34 serves v1 of mutatingadmissionpolicies, which came later")
		}
	}
}

func TestWithoutControllersThereIsOnlyTheAPI(t *testing.T) {
	plane := start(t, controlplane.Options{WithoutControllers: true})
	if got := len(plane.Processes()); got != 2 {
		t.Errorf("%d processes run, want etcd and kube-apiserver: %v", got, plane.Processes())
	}
	create(t, plane.Client(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a"}})
}

const victimDir = "CONTROLPLANE_TEST_VICTIM_DIR"

// TestVictim is the process that the next test kills; on its own it does nothing.
func TestVictim(t *testing.T) {
	dir := os.Getenv(victimDir)
	if dir == "" {
		return
	}
	bin := filepath.Join("..", "..", "..", ".local", "bin")
	if _, err := controlplane.Start(t.Context(), controlplane.Options{Dir: dir, BinDir: bin}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "started"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	select {} // until killed
}

func TestNoProcessOutlivesAKilledOwner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	victim := exec.Command(os.Args[0], "-test.run=^TestVictim$")
	victim.Env = append(os.Environ(), victimDir+"="+dir)
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	defer func() {
		if !killed {
			_ = victim.Process.Kill()
			_ = victim.Wait()
		}
	}()
	eventually(t, "the other process has a control plane", func(context.Context) error {
		_, err := os.Stat(filepath.Join(dir, "started"))
		return err
	})
	records, err := controlplane.Records(dir)
	if err != nil || len(records) != 5 {
		t.Fatalf("got %v, %v, want five records", records, err)
	}
	if _, err := controlplane.Start(t.Context(), controlplane.Options{Dir: dir, BinDir: filepath.Join("..", "..", "..", ".local", "bin")}); err == nil {
		t.Error("a second control plane starts in the same directory")
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait()
	killed = true
	eventually(t, "every component is gone", func(context.Context) error {
		for _, record := range records {
			if record.Alive() {
				return errors.New(record.Name + " still runs")
			}
		}
		return nil
	})
	if err := controlplane.Reap(t.Context(), dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(controlplane.StateDir(dir)); !os.IsNotExist(err) {
		t.Errorf("state is left: %v", err)
	}
}
