// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The data directory of another cluster: its objects bear names and UIDs that mean something else here.
func TestTheStoreOfAnotherClusterIsOnlyLookedAtUntilSomebodyAcceptsIt(t *testing.T) {
	forgetStore(t)
	namespace := cluster.Namespace(t)
	foreignData, ownData := filepath.Join(t.TempDir(), "foreign"), filepath.Join(t.TempDir(), "own")
	server := install(t, foreignData)
	create(t, namespace, "theirs")
	foreign := mustRemember(t)
	stop(t, server)

	forgetStore(t)
	server = install(t, ownData)
	create(t, namespace, "ours")
	own := stopRecorded(t, server)
	if own.id == foreign.id {
		t.Fatalf("two stores have the identity %s", own.id)
	}

	before, log := versions(t, namespace), logOf(t, server)
	server = install(t, foreignData)
	expectObserving(t, namespace, "theirs")
	_, err := cluster.Admin.DittoServers(namespace).Patch(t.Context(), "theirs", "application/merge-patch+json", []byte("{}"), metav1.PatchOptions{})
	if err == nil || !strings.Contains(err.Error(), foreign.id) || !strings.Contains(err.Error(), own.id) {
		t.Errorf("the refusal does not name both stores: %v", err)
	}
	awaitLog(t, log, "this is what would be done", "theirs")
	expectUntouched(t, namespace, before)
	if now := mustRemember(t); now != own {
		t.Errorf("the host remembers %+v, before it was %+v", now, own)
	}

	// Back with the right one, as if nothing had happened.
	stop(t, server)
	server = install(t, ownData)
	expectMetric(t, server, "dittofs_store_observe_only 0")
	awaitReady(t, namespace, "ours")
	expectUntouched(t, namespace, before)
	stop(t, server)

	server = install(t, foreignData, "--accept-store")
	expectMetric(t, server, "dittofs_store_observe_only 0")
	create(t, namespace, "another")
	awaitReady(t, namespace, "theirs")
	if now := mustRemember(t); now.id != foreign.id {
		t.Errorf("the host remembers %+v, want the accepted store %s", now, foreign.id)
	}
}
