// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package runbooks_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// kubelet runs our process where the pod of our StatefulSet only seems to run: it starts and ends with the pod, and has
// the arguments that the pod has beyond those that ship. What is only about a container stays away: paths, certificates.
type kubelet struct {
	shipped []string

	mu sync.Mutex
	// pod is the one that the process runs for, args what it has beyond the shipped ones.
	pod  types.UID
	args []string
}

// startKubelet installs the StatefulSet and follows it until the test ends.
func startKubelet(t *testing.T) *kubelet {
	t.Helper()
	root, err := harness.RepoDir()
	if err != nil {
		t.Fatal(err)
	}
	cluster.Admin.Kubectl("").Run(t, "apply", "-f", filepath.Join(root, "artifacts", "deploy", "overlays", "quickstart", "statefulset.yaml"))
	k := &kubelet{}
	harness.Eventually(t, "our pod runs", func(ctx context.Context) error {
		pod, err := ourPod(ctx)
		if err != nil || pod == nil {
			return fmt.Errorf("there is none yet: %w", err)
		}
		k.shipped, k.pod = pod.Spec.Containers[0].Args, pod.UID
		return nil
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var done sync.WaitGroup
	done.Go(func() {
		wait.UntilWithContext(ctx, func(ctx context.Context) {
			if err := k.sync(ctx); err != nil && ctx.Err() == nil {
				t.Logf("our process does not follow its pod yet: %v", err)
			}
		}, 200*time.Millisecond)
	})
	t.Cleanup(func() {
		cancel()
		done.Wait()
	})
	return k
}

// ourPod is nil while there is none that is to run.
func ourPod(ctx context.Context) (*corev1.Pod, error) {
	pod, err := cluster.Admin.Kube.CoreV1().Pods(systemNamespace).Get(ctx, serverName+"-0", metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, err
	case pod.DeletionTimestamp != nil, pod.Status.Phase != corev1.PodRunning:
		return nil, nil
	}
	return pod, nil
}

func (k *kubelet) sync(ctx context.Context) error {
	pod, err := ourPod(ctx)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if pod == nil {
		k.pod = ""
		return cluster.Server.Stop()
	}
	if pod.UID == k.pod {
		return nil
	}
	if err := cluster.Server.Stop(); err != nil {
		return err
	}
	args := slices.DeleteFunc(slices.Clone(pod.Spec.Containers[0].Args), func(arg string) bool { return slices.Contains(k.shipped, arg) })
	ctx, cancel := context.WithTimeout(ctx, harness.PatienceLimit)
	defer cancel()
	if slices.Equal(args, k.args) {
		if err := cluster.Server.Start(ctx); err != nil {
			return err
		}
	} else {
		server, err := cluster.InstallOver(ctx, args...)
		if err != nil {
			return err
		}
		cluster.Server = server
	}
	k.pod, k.args = pod.UID, args
	return nil
}

// kill ends the process, which stays away until there is a new pod.
func (k *kubelet) kill() {
	k.mu.Lock()
	defer k.mu.Unlock()
	cluster.Server.Kill()
}

// without stops our server as a cluster would, does something, and starts it again.
func (k *kubelet) without(t *testing.T, do func()) {
	t.Helper()
	k.scale(t, 0)
	harness.Eventually(t, "our process has ended", func(context.Context) error {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.pod != "" || cluster.Server.Running() {
			return fmt.Errorf("it runs for pod %q", k.pod)
		}
		return nil
	})
	do()
	k.scale(t, 1)
	k.awaitServing(t)
}

func (k *kubelet) scale(t *testing.T, replicas int) {
	t.Helper()
	cluster.Admin.Kubectl(systemNamespace).Run(t, "scale", "statefulset", serverName, fmt.Sprintf("--replicas=%d", replicas))
}

// awaitServing waits until the process runs for the pod that there is, with the arguments of the template.
func (k *kubelet) awaitServing(t *testing.T) {
	t.Helper()
	harness.Eventually(t, "our process runs for its pod", func(ctx context.Context) error {
		set, err := cluster.Admin.Kube.AppsV1().StatefulSets(systemNamespace).Get(ctx, serverName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		pod, err := ourPod(ctx)
		if err != nil {
			return err
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if pod == nil || pod.UID != k.pod || !slices.Equal(pod.Spec.Containers[0].Args, set.Spec.Template.Spec.Containers[0].Args) {
			return fmt.Errorf("not the pod of %v yet", set.Spec.Template.Spec.Containers[0].Args)
		}
		return nil
	})
	cluster.AwaitServed(t)
}

// arg adds an argument to our StatefulSet, as an edit of the overlay would.
func (k *kubelet) arg(t *testing.T, arg string) {
	t.Helper()
	cluster.Admin.Kubectl(systemNamespace).Run(t, "patch", "statefulset", serverName, "--type=json",
		"-p", fmt.Sprintf(`[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":%q}]`, arg))
	k.awaitServing(t)
}
