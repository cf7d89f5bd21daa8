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

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
	"github.com/dittofs/dittofs-apiserver/test/standin"
)

// The DittoFS operator makes about thirty passes a second: each one counts itself in an annotation, whose change is the next.
func TestScenario01AnAPIThatIsDownCostsAHandfulOfPassesAMinute(t *testing.T) {
	t.Parallel()
	s := cluster.NewSubject(t, asked)
	before, position := s.Parts(t), cluster.AuditPosition(t)
	writes := countWrites(t, s)
	s.CountDFSAnew(t)
	s.BreakDFS(t, standin.Fault{Mode: standin.FaultDown})
	began := time.Now()
	message := s.AwaitConditionWithin(t, patience, dittofsv1alpha1.ConditionReady, metav1.ConditionUnknown, "DFSUnreachable")
	if !strings.Contains(message, "last answered at") {
		t.Errorf("the message does not say when it last answered: %s", message)
	}
	// The pod is what it is: only what dfs itself would say is unknown.
	s.AwaitCondition(t, dittofsv1alpha1.ConditionAvailable, metav1.ConditionTrue, "PodReady")

	minutes := time.Since(began).Minutes()
	if minutes < 1 {
		t.Errorf("it was told after %.1f minutes, and one that is away for a moment would be too", minutes)
	}
	asked, list := s.DFSRequests(t)
	host := 0
	for _, request := range cluster.AuditSince(t, position) {
		if request.User.Username == harness.ServerUser && request.ObjectRef != nil && request.ObjectRef.Namespace == s.Namespace {
			host++
		}
	}
	t.Logf("in %.1f minutes: %d requests to the dfs API, %d to the host API, %d writes of the DittoServer", minutes, asked, host, writes())
	if asked == 0 || float64(asked) > 8*minutes {
		t.Errorf("the broken API got %d requests in %.1f minutes, want a handful: %+v", asked, minutes, list)
	}
	if float64(host) > 8*minutes {
		t.Errorf("the host API got %d requests about this server in %.1f minutes, want a handful", host, minutes)
	}
	if n := writes(); n == 0 || float64(n) > 4*minutes {
		t.Errorf("the DittoServer was written %d times in %.1f minutes, want once or twice", n, minutes)
	}
	s.MendDFS(t)
	s.AwaitReadyWithin(t, patience)
	before.ExpectUntouched(t, s)
}

// The DittoFS operator never tries again by itself. Here the pod was restarted while the Secret held another value, and
// nobody who remembers that one is left.
func TestScenario02ARefusedTokenIsTriedAgainOnATimerAndRecoversWithTheSecret(t *testing.T) {
	s := cluster.Subject(cluster.Namespace(t), "files")
	putSecret(t, s, strings.Repeat("a", 40))
	s.Create(t, withOwnJWT, asked)
	s.AwaitReady(t)
	pod := s.Pod(t)
	start := cluster.StopServer(t)
	putSecret(t, s, strings.Repeat("b", 40))
	cluster.Admin.Kubectl(s.Namespace).Run(t, "delete", "pod", "files-0")
	s.AwaitNewPod(t, pod)
	s.AwaitDFS(t)
	putSecret(t, s, strings.Repeat("a", 40))
	start()
	t.Parallel()

	message := s.AwaitConditionWithin(t, patience, dittofsv1alpha1.ConditionAuthenticated, metav1.ConditionFalse, "JWTSecretMismatch")
	if !strings.Contains(message, "mine") || !strings.Contains(message, "rollout restart") {
		t.Errorf("the message names neither the Secret nor the way out: %s", message)
	}
	s.AwaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "JWTSecretMismatch")
	before := s.Parts(t)
	s.CountDFSAnew(t)
	began := time.Now()
	harness.EventuallyWithin(t, patience, "a refused token is tried again twice", func(context.Context) error {
		if refused := refusals(t, s); refused < 2 {
			return fmt.Errorf("%d tries", refused)
		}
		return nil
	})
	minutes := time.Since(began).Minutes()
	total, list := s.DFSRequests(t)
	t.Logf("in %.1f minutes: %d requests, %d of them refused", minutes, total, refusals(t, s))
	// Five seconds lie between the first two tries, ten before the next.
	if float64(refusals(t, s)) > 2+8*minutes || float64(total) > 8+20*minutes {
		t.Errorf("in %.1f minutes the API got %d requests: %+v", minutes, total, list)
	}
	before.ExpectUntouched(t, s)

	putSecret(t, s, strings.Repeat("b", 40))
	s.AwaitConditionWithin(t, patience, dittofsv1alpha1.ConditionAuthenticated, metav1.ConditionTrue, "TokenAccepted")
	s.AwaitReadyWithin(t, patience)
}

// The DittoFS operator goes on asking at the old port, and says that all is well.
func TestScenario12DiscoveryFollowsTheAPIToAnotherPort(t *testing.T) {
	t.Parallel()
	s := cluster.NewSubject(t, asked)
	pod := s.Pod(t)
	s.Patch(t, `{"spec":{"controlPlane":{"port":9090}}}`)
	s.AwaitNewPod(t, pod)
	s.AwaitReady(t)
	if port := s.Service(t).Spec.Ports[0].Port; port != 9090 {
		t.Errorf("the Service has port %d", port)
	}
	if api := s.Get(t).Status.Endpoints.API; !strings.HasSuffix(api, ":9090") {
		t.Errorf("the status says that the API is at %s", api)
	}
	s.CountDFSAnew(t)
	// What is changed in dfs now can be known from the new port only.
	s.CallDFS(t, http.MethodPut, "/api/v1/adapters/smb", map[string]any{"enabled": false})
	harness.Eventually(t, "the Service of the adapter goes", func(ctx context.Context) error {
		_, err := cluster.Admin.Kube.CoreV1().Services(s.Namespace).Get(ctx, "files-adapter-smb", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(err, errors.New("it is still there"))
	})
	s.AwaitReady(t)
	if _, list := s.DFSRequests(t); anyStatus(list, 0) > 0 {
		t.Errorf("something was asked where nobody listens: %+v", list)
	}
}

// In the DittoFS operator policies never apply: it asks with a role that may not, gets 403 each time, and says Ready.
func TestScenario13SnapshotPoliciesAreAppliedAndTheirResultsAreInTheStatus(t *testing.T) {
	t.Parallel()
	s := cluster.Subject(cluster.Namespace(t), "files")
	seven := int32(7)
	s.Create(t, asked, func(server *dittofsv1alpha1.DittoServer) {
		server.Spec.SnapshotPolicies = []dittofsv1alpha1.SnapshotPolicy{{Share: "/projects", Interval: "24h", KeepLast: &seven}}
	})
	message := s.AwaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "SnapshotPolicyPending")
	if !strings.Contains(message, "/projects") {
		t.Errorf("the message does not name the share: %s", message)
	}
	awaitPolicy(t, s, "ShareNotFound", "")

	// A refusal is shown, and tried again without any event.
	s.BreakDFS(t, standin.Fault{Mode: standin.FaultRefuse, Status: http.StatusForbidden, Path: "/api/v1/shares/"})
	makeShare(t, s, "/projects")
	s.AwaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "SnapshotPolicyRefused")
	awaitPolicy(t, s, "Refused", "refused by the fault of a test")
	s.CountDFSAnew(t)
	harness.EventuallyWithin(t, patience, "the refused policy is tried again", func(context.Context) error {
		if _, list := s.DFSRequests(t); anyStatus(list, http.StatusForbidden) == 0 {
			return fmt.Errorf("requests: %+v", list)
		}
		return nil
	})
	s.MendDFS(t)
	s.AwaitReadyWithin(t, patience)
	awaitPolicy(t, s, "", "")
	want := map[string]any{"share": "/projects", "interval": "24h0m0s", "keep_last": 7.0, "enabled": true}
	for key, value := range decode(t, s.CallDFS(t, http.MethodGet, "/api/v1/shares/projects/snapshot-policy", nil)) {
		if wanted, ok := want[key]; ok && wanted != value {
			t.Errorf("dfs has %s: %v, want %v", key, value, wanted)
		}
		delete(want, key)
	}
	if len(want) > 0 {
		t.Errorf("dfs does not show %v", want)
	}

	s.CallDFS(t, http.MethodPost, "/api/v1/shares/projects/snapshot-policy/run", nil)
	harness.Eventually(t, "the status has the time of the last snapshot", func(ctx context.Context) error {
		server, err := s.Find(ctx)
		if err == nil && server.Status.SnapshotPolicies[0].LastRunTime == nil {
			err = fmt.Errorf("%+v", server.Status.SnapshotPolicies)
		}
		return err
	})
}

// awaitPolicy waits for the result of the only policy; without a reason it is applied.
func awaitPolicy(t *testing.T, s harness.Subject, reason, says string) {
	t.Helper()
	harness.EventuallyWithin(t, patience, "the result of the policy is "+reason, func(ctx context.Context) error {
		server, err := s.Find(ctx)
		if err != nil {
			return err
		}
		policies := server.Status.SnapshotPolicies
		if len(policies) != 1 || policies[0].Reason != reason || policies[0].Applied != (reason == "") || !strings.Contains(policies[0].Message, says) {
			return fmt.Errorf("%+v", policies)
		}
		return nil
	})
}

func makeShare(t *testing.T, s harness.Subject, name string) {
	t.Helper()
	s.CallDFS(t, http.MethodPost, "/api/v1/store/metadata", map[string]any{"name": "meta", "type": "memory"})
	s.CallDFS(t, http.MethodPost, "/api/v1/store/block/local", map[string]any{"name": "local", "type": "memory"})
	s.CallDFS(t, http.MethodPost, "/api/v1/shares", map[string]any{"name": name, "metadata_store_id": "meta", "local_block_store": "local"})
}

func refusals(t *testing.T, s harness.Subject) int {
	t.Helper()
	_, list := s.DFSRequests(t)
	return anyStatus(list, http.StatusUnauthorized)
}

// anyStatus counts the requests that were answered with a status, whatever they asked for.
func anyStatus(list []standin.RequestCount, status int) (n int) {
	for _, r := range list {
		if r.Status == status {
			n += r.Count
		}
	}
	return n
}

func withOwnJWT(server *dittofsv1alpha1.DittoServer) {
	server.Spec.Identity.JWT.SecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "mine", Key: "token"}
}

// putSecret creates or replaces the user's own JWT Secret.
func putSecret(t *testing.T, s harness.Subject, value string) {
	t.Helper()
	s.PutSecret(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "mine"}, StringData: map[string]string{"token": value}})
}

// countOf counts the requests for a path.
func countOf(list []standin.RequestCount, path string) (n int) {
	for _, r := range list {
		if r.Path == path {
			n += r.Count
		}
	}
	return n
}
