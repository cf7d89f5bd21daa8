// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
	"github.com/dittofs/dittofs-apiserver/test/controlplane/faultproxy"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func awaitHit(t *testing.T, handle *faultproxy.Handle) {
	t.Helper()
	harness.Eventually(t, "the request is on its way", func(context.Context) error {
		if handle.Hits() == 0 {
			return errors.New("nobody has sent it")
		}
		return nil
	})
}

// The request in flight has no answer yet when the lease goes; whoever leads next does the work anew.
func TestAReconcileInFlightWhenTheLeaseIsLostIsTakenUpAgain(t *testing.T) {
	s := newSubject(t)
	before := s.Parts(t)
	hanging := trouble(t, faultproxy.Fault{Match: all(in(s.Namespace), of("statefulsets", "patch"), stored), Hang: true})
	s.level(t, "DEBUG")
	awaitHit(t, hanging)
	cluster.StealLease(t, "thief")
	stolen := time.Now()
	cluster.AwaitHolder(t, "thief")
	records := cluster.Proxy.Records()
	told := slices.IndexFunc(records, func(r faultproxy.Record) bool {
		return r.Resource == "leases" && r.Verb == "get" && r.At.After(stolen) && r.Status == http.StatusOK
	})
	if told < 0 {
		t.Fatal("nobody has read who holds the lease")
	}
	for _, r := range records[told:] {
		// From the moment on that we have to know of the thief until the lease is ours again.
		if r.At.After(records[told].At.Add(3*time.Second)) && r.At.Before(stolen.Add(14*time.Second)) && r.Namespace == s.Namespace && r.Write() {
			t.Errorf("%s after the lease was lost we sent %s %s %s", r.At.Sub(stolen), r.Verb, r.Resource, r.Name)
		}
	}
	hanging.Remove()
	s.AwaitReady(t)
	s.expectRevisions(t, 2)
	s.expectSecretsOnce(t)
	if set := s.StatefulSet(t); set.Generation != 2 {
		t.Errorf("the StatefulSet has generation %d, want 2", set.Generation)
	}
	before.ExpectKept(t, s.Subject, "statefulsets/", "configmaps/", "services/", "secrets/", "persistentvolumeclaims/")
}

// A process that stands still for longer than its lease goes on in the middle of a reconcile, with what it knew before. By
// then another one leads, and has carried out more.
func TestAProcessThatStoodStillUndoesNothingOfItsSuccessor(t *testing.T) {
	etcd := cluster.StartEtcd(t, "http")
	lease := []string{"--etcd-servers=" + etcd.Endpoint,
		"--leader-elect-lease-duration=8s", "--leader-elect-renew-deadline=5s", "--leader-elect-retry-period=1s"}
	reinstall(t, lease...)
	first, proxy := cluster.Server, cluster.Proxy
	s := newSubject(t)
	before := s.Parts(t)
	old, err := cluster.LeaseHolder(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other, err := faultproxy.Start(cluster.Plane.AdminConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	// It serves the cluster from now on, and waits for the lease.
	second := another(t, other, "second", lease...)
	cluster.AwaitServed(t)

	// Frozen between the configuration and the template that goes with it.
	slow := trouble(t, faultproxy.Fault{Match: all(in(s.Namespace), of("configmaps", "patch"), stored), Delay: 3 * time.Second})
	s.level(t, "DEBUG")
	awaitHit(t, slow)
	if err := first.Freeze(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = first.Thaw() })
	slow.Remove()
	leader := cluster.AwaitHolder(t, old)
	s.level(t, "WARN")
	s.AwaitReady(t)
	hash, generation := s.hash(t), s.StatefulSet(t).Generation
	sent := len(proxy.Records())
	if err := first.Thaw(); err != nil {
		t.Fatal(err)
	}
	awaitReads(t, proxy, sent)
	newSubject(t)
	if now, err := cluster.LeaseHolder(t.Context()); err != nil || now != leader {
		t.Errorf("the lease is held by %s, was by %s (%v)", now, leader, err)
	}
	for _, r := range proxy.Records()[sent:] {
		if r.Write() && r.Resource != "leases" && !strings.HasSuffix(r.Resource, "reviews") && r.Name != "dittofs-store" {
			t.Errorf("after it stood still the former leader sends %s %s %s/%s", r.Verb, r.Resource, r.Namespace, r.Name)
		}
	}
	if now := s.hash(t); now != hash || s.StatefulSet(t).Generation != generation {
		t.Errorf("the template has the config hash %s at generation %d, want %s at %d", now, s.StatefulSet(t).Generation, hash, generation)
	}
	if !strings.Contains(s.Config(t), "WARN") {
		t.Errorf("the configuration is not the last one:\n%s", s.Config(t))
	}
	s.expectSecretsOnce(t)
	s.expectEventsOnce(t, "Created")
	before.ExpectKept(t, s.Subject, "statefulsets/", "configmaps/", "services/", "secrets/", "persistentvolumeclaims/")

	takeOver(t, second, s)
	if now := s.StatefulSet(t); now.Generation != generation {
		t.Errorf("the next change of the leader changed the StatefulSet: generation %d, want %d", now.Generation, generation)
	}
	s.expectSecretsOnce(t)
}

// takeOver kills the leader, which serves the cluster as well, and brings it back.
func takeOver(t *testing.T, leader *controlplane.DittoFS, s subject) {
	t.Helper()
	holder, err := cluster.LeaseHolder(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leader.Kill()
	cluster.AwaitHolder(t, holder)
	if err := leader.Start(harness.CleanupContext(t)); err != nil {
		t.Fatal(err)
	}
	cluster.AwaitServed(t)
	awaitControllers(t)
	s.AwaitReady(t)
}

// awaitReads waits until a process that was frozen asks for something again: it lives, and has found its lease lost.
func awaitReads(t *testing.T, proxy *faultproxy.Proxy, since int) {
	t.Helper()
	harness.Eventually(t, "the former leader asks for the lease", func(context.Context) error {
		seen := 0
		for _, r := range proxy.Records()[since:] {
			if r.Resource == "leases" {
				seen++
			}
		}
		if seen < 5 {
			return fmt.Errorf("%d times until now", seen)
		}
		return nil
	})
}
