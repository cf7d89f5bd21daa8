// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/controlplane/faultproxy"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// around has one DittoServer from before the trouble, one that comes in the middle and one that comes afterwards, and edits
// the first meanwhile. All end up as if nothing had been.
func around(t *testing.T, during func(before, during subject)) {
	t.Helper()
	before := newSubject(t)
	kept, process := before.parts(t), processOf(t, "dittofs-apiserver")
	amid := subject{cluster.Namespace(t), "files"}
	during(before, amid)
	after := newSubject(t)
	amid.create(t)
	for _, s := range []subject{before, amid, after} {
		s.awaitReady(t)
		s.expectOnce(t)
	}
	kept.expectKept(t, before, "statefulsets/", "persistentvolumeclaims/", "pods/", "secrets/", "services/")
	if now := processOf(t, "dittofs-apiserver"); now != process {
		t.Errorf("our server is process %d, was %d: it ended with the trouble", now, process)
	}
}

func TestServersBecomeReadyWhileEveryAnswerOfTheHostTakesTwoSeconds(t *testing.T) {
	around(t, func(before, during subject) {
		slow := trouble(t, faultproxy.Fault{Match: noWatch, Delay: 2 * time.Second})
		during.create(t)
		before.annotate(t, "slow")
		during.awaitReady(t)
		before.awaitReady(t)
		slow.Remove()
	})
}

func TestServersBecomeReadyWhileAThirdOfTheAnswersOfTheHostAreErrors(t *testing.T) {
	around(t, func(before, during subject) {
		for _, f := range []faultproxy.Fault{
			{Match: noWatch, Share: 0.3, Status: http.StatusInternalServerError},
			{Match: noWatch, Share: 0.1, Status: http.StatusTooManyRequests, RetryAfter: 1},
			{Match: noWatch, Share: 0.05, Status: http.StatusServiceUnavailable},
			{Match: noWatch, Share: 0.05, Cut: true},
			{Match: noWatch, Share: 0.05, Drop: true},
			{Match: noWatch, Share: 0.05, Swallow: true},
		} {
			defer trouble(t, f).Remove()
		}
		during.create(t)
		before.annotate(t, "erroring")
		during.awaitReady(t)
		before.awaitReady(t)
	})
}

// The lease runs out meanwhile, so that the controllers begin anew.
func TestServersRecoverFromAHostThatDoesNotAnswerForSeventySeconds(t *testing.T) {
	around(t, func(before, during subject) {
		began := time.Now()
		silent := trouble(t, faultproxy.Fault{Hang: true})
		cluster.Proxy.DropWatches(nil)
		// A label needs nothing from the host, other than an edit of what runs.
		_, err := cluster.Admin.DittoServers(before.namespace).Patch(t.Context(), before.name, types.MergePatchType,
			[]byte(`{"metadata":{"labels":{"example.com/a":"b"}}}`), metav1.PatchOptions{})
		t.Logf("an edit that asks nothing of the host gives: %v", err)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err = cluster.Admin.DittoServers(during.namespace).Create(ctx, harness.NewDittoServer(during.name), metav1.CreateOptions{})
		if err == nil {
			t.Error("a create was admitted although nobody could ask the host for the namespace")
		}
		t.Logf("a create gives: %v", err)
		reads, slowest := 0, time.Duration(0)
		harness.EventuallyWithin(t, patience, "seventy seconds have passed", func(ctx context.Context) error {
			asked := time.Now()
			if _, err := cluster.Admin.DittoServers(before.namespace).Get(ctx, before.name, metav1.GetOptions{}); err != nil {
				t.Errorf("a read fails after %s: %v", time.Since(began), err)
			}
			reads, slowest = reads+1, max(slowest, time.Since(asked))
			if (clock.RealClock{}).Since(began) < 70*time.Second {
				return errors.New("not yet")
			}
			return nil
		})
		t.Logf("%d reads of our API, the slowest took %s", reads, slowest)
		expectAvailable(t)
		silent.Remove()
		within(t, 90*time.Second, "an edit is carried out", func() {
			before.annotate(t, "again")
			before.awaitReady(t)
		})
	})
}

func TestWatchesThatAreCutOffMissNothing(t *testing.T) {
	s := newSubject(t)
	before := s.parts(t)
	for range 3 {
		if n := cluster.Proxy.DropWatches(nil); n == 0 {
			t.Error("there was no watch to cut off")
		}
		cluster.Admin.Kubectl(s.namespace).Run(t, "annotate", "--overwrite", "service", s.name+"-api", "example.com/n="+time.Now().Format("150405.000"))
		cluster.Admin.Kubectl(s.namespace).Run(t, "delete", "service", s.name+"-headless")
		harness.Eventually(t, "the deleted Service is made anew", func(ctx context.Context) error {
			_, err := cluster.Admin.Kube.CoreV1().Services(s.namespace).Get(ctx, s.name+"-headless", metav1.GetOptions{})
			return err
		})
	}
	s.awaitReady(t)
	before.expectKept(t, s, "statefulsets/", "pods/", "secrets/", "persistentvolumeclaims/")
	s.expectRevisions(t, 1)
}

// A single error is nobody's business; one that lasts is told, with what is waited for.
func TestAHostThatCannotBeAskedIsToldInTheStatus(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	before := s.parts(t)
	broken := trouble(t, faultproxy.Fault{Match: all(in(s.namespace), of("secrets", "get")), Status: http.StatusInternalServerError})
	deleteSecret(t, s.namespace, s.name+"-jwt-secret")
	message := s.awaitCondition(t, dittofsv1alpha1.ConditionProgressing, metav1.ConditionUnknown, "HostUnavailable")
	for _, part := range []string{"jwt-secret", "made by the fault proxy", "tried again"} {
		if !contains(message, part) {
			t.Errorf("the message does not say %q: %s", part, message)
		}
	}
	before.expectKept(t, s, "statefulsets/", "pods/")
	broken.Remove()
	within(t, 75*time.Second, "the server is Ready again", func() {
		harness.EventuallyWithin(t, patience, "Progressing is known again", func(context.Context) error {
			server := s.get(t)
			if c := meta.FindStatusCondition(server.Status.Conditions, dittofsv1alpha1.ConditionProgressing); c.Status == metav1.ConditionUnknown {
				return errors.New(c.Message)
			}
			return nil
		})
		s.awaitReady(t)
	})
	// The deleted Secret is another one now, said so, and read once.
	s.expectRevisions(t, 2)
	s.expectEventsOnce(t, "CredentialsGeneratedAnew")
}
