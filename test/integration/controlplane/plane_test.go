// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package controlplane_test starts the local control plane for real and holds it to what the other tests rely on.
// In: the binaries of `make controlplane`. Out: proof that pods, volumes and namespaces behave and that nothing is left.
// It never needs our own API server.
package controlplane_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
)

// start runs a plane in a directory of its own and fails the test where anything of it is left behind.
func start(t *testing.T, options controlplane.Options) *controlplane.ControlPlane {
	t.Helper()
	parent, temp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temp)
	options.Dir = filepath.Join(parent, "run")
	options.BinDir = filepath.Join("..", "..", "..", ".local", "bin")
	began := time.Now()
	plane, err := controlplane.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the control plane was ready after %s", time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() {
		processes := plane.Processes()
		began := time.Now()
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
		t.Logf("the control plane stopped within %s", time.Since(began).Round(time.Millisecond))
		if len(processes) == 0 {
			t.Error("the plane knew none of its processes")
		}
		for _, process := range processes {
			if process.Alive() {
				t.Errorf("%s still runs as process %d", process.Name, process.PID)
			}
		}
		expectEntries(t, parent, "run")
		expectEntries(t, options.Dir, "logs")
		expectEntries(t, temp)
	})
	return plane
}

func expectEntries(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Error(err)
		return
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s holds %v, want %v", dir, got, want)
	}
}

// eventually polls until check succeeds and fails the test with its last error.
func eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	var last error
	began := time.Now()
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true,
		func(ctx context.Context) (bool, error) {
			if err := check(ctx); err != nil {
				last = err
				return false, nil
			}
			return true, nil
		})
	if err != nil {
		t.Fatalf("%s: %v (%v)", what, last, err)
	}
	t.Logf("%s: %s", what, time.Since(began).Round(time.Millisecond))
}

func gone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return errors.Join(err, errors.New("still there"))
}

func TestWorkloadsBehaveAndNothingIsLeft(t *testing.T) {
	plane := start(t, controlplane.Options{})
	c := plane.Client()
	const namespace = "workload"
	create(t, c, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	set := statefulSet(namespace, "web")
	create(t, c, set)
	claim := &corev1.PersistentVolumeClaim{}
	claimKey := client.ObjectKey{Namespace: namespace, Name: "data-web-0"}

	eventually(t, "the StatefulSet is ready", func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(set), set); err != nil {
			return err
		}
		if set.Status.ReadyReplicas != 1 {
			return fmt.Errorf("ready replicas: %d, want 1", set.Status.ReadyReplicas)
		}
		return nil
	})
	pod := &corev1.Pod{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "web-0"}, pod); err != nil {
		t.Fatal(err)
	}
	if pod.Status.PodIP == "" || pod.Spec.NodeName != controlplane.NodeName || !pod.Status.ContainerStatuses[0].Ready {
		t.Errorf("the pod has no address, node or ready container: %+v", pod.Status)
	}
	if err := c.Get(t.Context(), claimKey, claim); err != nil {
		t.Fatal(err)
	}
	if claim.Status.Phase != corev1.ClaimBound || *claim.Spec.StorageClassName != controlplane.DefaultStorageClass {
		t.Errorf("the claim is %s in class %s", claim.Status.Phase, *claim.Spec.StorageClassName)
	}

	claim.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("3Gi")
	if err := c.Update(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	eventually(t, "claim and volume have grown", func(ctx context.Context) error {
		volume := &corev1.PersistentVolume{}
		if err := c.Get(ctx, claimKey, claim); err != nil {
			return err
		}
		if err := c.Get(ctx, client.ObjectKey{Name: claim.Spec.VolumeName}, volume); err != nil {
			return err
		}
		if got, want := claim.Status.Capacity.Storage().String()+" "+volume.Spec.Capacity.Storage().String(), "3Gi 3Gi"; got != want {
			return fmt.Errorf("capacity %s, want %s", got, want)
		}
		return nil
	})

	if err := c.Patch(t.Context(), set, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"replicas":0}}`))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pod is gone after scaling to 0", func(ctx context.Context) error {
		return gone(c.Get(ctx, client.ObjectKeyFromObject(pod), &corev1.Pod{}))
	})

	if err := c.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the namespace is gone", func(ctx context.Context) error {
		return gone(c.Get(ctx, client.ObjectKey{Name: namespace}, &corev1.Namespace{}))
	})
	eventually(t, "the volume is gone with its claim", func(ctx context.Context) error {
		return gone(c.Get(ctx, client.ObjectKey{Name: claim.Spec.VolumeName}, &corev1.PersistentVolume{}))
	})
	if info, err := os.Stat(plane.AuditLogPath); err != nil || info.Size() == 0 {
		t.Errorf("the audit log is empty: %v", err)
	}
}

func create(t *testing.T, c client.Client, object client.Object) {
	t.Helper()
	if err := c.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}
