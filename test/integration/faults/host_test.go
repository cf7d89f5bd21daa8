// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
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
	kept, process := before.Parts(t), cluster.ProcessOf(t, "dittofs-apiserver")
	amid := subjectOf(cluster.Namespace(t), "files")
	during(before, amid)
	after := newSubject(t)
	amid.create(t)
	for _, s := range []subject{before, amid, after} {
		s.AwaitReady(t)
		s.expectOnce(t)
	}
	kept.ExpectKept(t, before.Subject, "statefulsets/", "persistentvolumeclaims/", "pods/", "secrets/", "services/")
	if now := cluster.ProcessOf(t, "dittofs-apiserver"); now != process {
		t.Errorf("our server is process %d, was %d: it ended with the trouble", now, process)
	}
}

func TestServersBecomeReadyWhileEveryAnswerOfTheHostTakesTwoSeconds(t *testing.T) {
	around(t, func(before, during subject) {
		slow := trouble(t, faultproxy.Fault{Match: noWatch, Delay: 2 * time.Second})
		during.create(t)
		before.annotate(t, "slow")
		during.AwaitReady(t)
		before.AwaitReady(t)
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
		during.AwaitReady(t)
		before.AwaitReady(t)
	})
}

// The lease runs out meanwhile, so that the controllers begin anew.
func TestServersRecoverFromAHostThatDoesNotAnswerForSeventySeconds(t *testing.T) {
	around(t, func(before, during subject) {
		began := time.Now()
		silent := trouble(t, faultproxy.Fault{Hang: true})
		cluster.Proxy.DropWatches(nil)
		// A label needs nothing from the host, other than an edit of what runs.
		_, err := cluster.Admin.DittoServers(before.Namespace).Patch(t.Context(), before.Name, types.MergePatchType,
			[]byte(`{"metadata":{"labels":{"example.com/a":"b"}}}`), metav1.PatchOptions{})
		t.Logf("an edit that asks nothing of the host gives: %v", err)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err = cluster.Admin.DittoServers(during.Namespace).Create(ctx, harness.NewDittoServer(during.Name), metav1.CreateOptions{})
		if err == nil {
			t.Error("a create was admitted although nobody could ask the host for the namespace")
		}
		t.Logf("a create gives: %v", err)
		reads, slowest := 0, time.Duration(0)
		harness.Eventually(t, "seventy seconds have passed", func(ctx context.Context) error {
			asked := time.Now()
			if _, err := cluster.Admin.DittoServers(before.Namespace).Get(ctx, before.Name, metav1.GetOptions{}); err != nil {
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
			before.AwaitReady(t)
		})
	})
}

func TestWatchesThatAreCutOffMissNothing(t *testing.T) {
	s := newSubject(t)
	before := s.Parts(t)
	for range 3 {
		if n := cluster.Proxy.DropWatches(nil); n == 0 {
			t.Error("there was no watch to cut off")
		}
		cluster.Admin.Kubectl(s.Namespace).Run(t, "annotate", "--overwrite", "service", s.Name+"-api", "example.com/n="+time.Now().Format("150405.000"))
		cluster.Admin.Kubectl(s.Namespace).Run(t, "delete", "service", s.Name+"-headless")
		harness.Eventually(t, "the deleted Service is made anew", func(ctx context.Context) error {
			_, err := cluster.Admin.Kube.CoreV1().Services(s.Namespace).Get(ctx, s.Name+"-headless", metav1.GetOptions{})
			return err
		})
	}
	s.AwaitReady(t)
	before.ExpectKept(t, s.Subject, "statefulsets/", "pods/", "secrets/", "persistentvolumeclaims/")
	s.expectRevisions(t, 1)
}

// A single error is nobody's business; one that lasts is told, with what is waited for.
func TestAHostThatCannotBeAskedIsToldInTheStatus(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	before := s.Parts(t)
	broken := trouble(t, faultproxy.Fault{Match: all(in(s.Namespace), of("secrets", "get", "create")), Status: http.StatusInternalServerError})
	if err := cluster.Admin.Kube.CoreV1().Secrets(s.Namespace).Delete(t.Context(), s.Name+"-jwt-secret", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	message := s.AwaitCondition(t, dittofsv1alpha1.ConditionProgressing, metav1.ConditionUnknown, "HostUnavailable")
	for _, part := range []string{"jwt-secret", "made by the fault proxy", "tried again"} {
		if !strings.Contains(message, part) {
			t.Errorf("the message does not say %q: %s", part, message)
		}
	}
	before.ExpectKept(t, s.Subject, "statefulsets/", "pods/")
	broken.Remove()
	within(t, recovery, "the server is Ready again", func() {
		harness.Eventually(t, "Progressing is known again", func(context.Context) error {
			server := s.Get(t)
			if c := meta.FindStatusCondition(server.Status.Conditions, dittofsv1alpha1.ConditionProgressing); c.Status == metav1.ConditionUnknown {
				return errors.New(c.Message)
			}
			return nil
		})
		s.AwaitReady(t)
	})
	// The deleted Secret is another one now, said so, and read once.
	s.expectRevisions(t, 2)
	s.expectEventsOnce(t, "CredentialsGeneratedAnew")
}
