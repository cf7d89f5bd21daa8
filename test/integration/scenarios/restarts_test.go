// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package scenarios_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// In the DittoFS operator the generation of the object is in the hash, and so every edit is a restart.
func TestScenario07AnEditOfThePollingIntervalRestartsNothing(t *testing.T) {
	t.Parallel()
	s := cluster.NewSubject(t)
	before, hash := s.Parts(t), s.Get(t).Status.ConfigHash
	s.Patch(t, `{"spec":{"adapterDiscovery":{"pollingInterval":"5s"}}}`)
	s.AwaitReady(t)
	// It works, at once: at the old interval of 30 s three rounds take a minute or longer.
	s.CountDFSAnew(t)
	harness.EventuallyWithin(t, 55*time.Second, "dfs is asked at the new interval", func(context.Context) error {
		if _, list := s.DFSRequests(t); countOf(list, "/health") < 3 {
			return fmt.Errorf("requests: %+v", list)
		}
		return nil
	})
	before.ExpectSame(t, s)
	if now := s.Get(t).Status.ConfigHash; now != hash || hash == "" {
		t.Errorf("the config hash is %q, was %q", now, hash)
	}
	if n := cluster.PodsCreated(t, s.Namespace); n != 1 {
		t.Errorf("%d pods were created, want 1", n)
	}
}

// The DittoFS operator takes the restart back while it is under way, which makes two.
func TestScenario08ARolloutRestartIsHonouredOnce(t *testing.T) {
	t.Parallel()
	s := cluster.NewSubject(t)
	const stamp = "kubectl.kubernetes.io/restartedAt"
	pod := s.Pod(t)
	cluster.Admin.Kubectl(s.Namespace).Run(t, "rollout", "restart", "statefulset/files")
	s.AwaitNewPod(t, pod)
	s.AwaitReady(t)
	requested := s.StatefulSet(t).Spec.Template.Annotations[stamp]
	if requested == "" {
		t.Error("the annotation of the restart is gone")
	}
	// The next edit keeps it: else it would restart for two reasons.
	s.Patch(t, `{"spec":{"service":{"annotations":{"example.com/a":"b"}}}}`)
	s.AwaitReady(t)
	if now := s.StatefulSet(t).Spec.Template.Annotations[stamp]; now != requested {
		t.Errorf("an edit made the annotation of the restart %q, it was %q", now, requested)
	}
	if n := cluster.Rollouts(t, s.Namespace); n != 2 {
		t.Errorf("the pods had %d revisions, want the first and one restart", n)
	}
}

// The DittoFS operator adds the ports of adapters to the pod once it has found them: each server starts twice.
func TestScenario09TheFirstBootIsOneStartWhateverAdaptersComeLater(t *testing.T) {
	t.Parallel()
	s := cluster.NewSubject(t, asked)
	pod, set := s.Pod(t), s.StatefulSet(t)
	if set.Generation != 1 {
		t.Errorf("the StatefulSet was changed %d times before the server was Ready", set.Generation-1)
	}
	services := cluster.Admin.Kube.CoreV1().Services(s.Namespace)
	for _, name := range []string{"files-adapter-nfs", "files-adapter-smb"} {
		if _, err := services.Get(t.Context(), name, metav1.GetOptions{}); err != nil {
			t.Errorf("a server that is Ready lacks the Service of an adapter: %v", err)
		}
	}
	for _, enabled := range []bool{false, true} {
		s.CallDFS(t, http.MethodPut, "/api/v1/adapters/smb", map[string]any{"enabled": enabled})
		harness.Eventually(t, fmt.Sprintf("the adapter is there: %t", enabled), func(ctx context.Context) error {
			_, err := services.Get(ctx, "files-adapter-smb", metav1.GetOptions{})
			if apierrors.IsNotFound(err) == enabled {
				return errors.Join(err, errors.New("its Service tells otherwise"))
			}
			return nil
		})
	}
	s.AwaitReady(t)
	if now := s.Pod(t); now.UID != pod.UID || now.Status.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("the pod is %s with %d restarts, was %s", now.UID, now.Status.ContainerStatuses[0].RestartCount, pod.UID)
	}
	if now := s.StatefulSet(t); now.UID != set.UID || now.Generation != 1 {
		t.Errorf("the StatefulSet is %s of generation %d, was %s", now.UID, now.Generation, set.UID)
	}
	if n := cluster.PodsCreated(t, s.Namespace); n != 1 {
		t.Errorf("%d pods were created, want 1", n)
	}
}

// The DittoFS operator hashes what is left, and rolls the server into a pod that cannot start.
func TestScenario15ARemovedSecretRollsNothingAndIsTold(t *testing.T) {
	t.Parallel()
	s := cluster.Subject(cluster.Namespace(t), "files")
	putSecret(t, s, strings.Repeat("a", 40))
	s.Create(t, withOwnJWT)
	s.AwaitReady(t)
	before, config := s.Parts(t), s.Config(t)
	if err := cluster.Admin.Kube.CoreV1().Secrets(s.Namespace).Delete(t.Context(), "mine", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	message := s.AwaitCondition(t, dittofsv1alpha1.ConditionConfigReady, metav1.ConditionFalse, "SecretNotFound")
	if !strings.Contains(message, "mine") || !strings.Contains(message, "token") {
		t.Errorf("the message names neither Secret nor key: %s", message)
	}
	s.AwaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "SecretNotFound")
	before.ExpectSame(t, s)

	// An edit waits as well: a lost pod must come back with the configuration that its template was made for.
	s.Patch(t, `{"spec":{"logging":{"level":"DEBUG"},"service":{"annotations":{"example.com/a":"b"}}}}`)
	s.AwaitCondition(t, dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, "Blocked")
	harness.Eventually(t, "the Service, which needs no Secret, is changed", func(context.Context) error {
		return equal(s.Service(t).Annotations["example.com/a"], "b")
	})
	before.ExpectSame(t, s)
	if s.Config(t) != config {
		t.Error("the configuration was changed under a template that was not")
	}

	pod := s.Pod(t)
	putSecret(t, s, strings.Repeat("a", 40))
	s.AwaitNewPod(t, pod)
	s.AwaitReady(t)
	if n := cluster.Rollouts(t, s.Namespace); n != 2 {
		t.Errorf("the pods had %d revisions, want the first and one for the edit", n)
	}
}
