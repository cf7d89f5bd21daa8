// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package storeidentity

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
)

const namespace = "dittofs-system"

func newEtcd(t *testing.T) *clientv3.Client {
	t.Helper()
	embedded, err := etcd.Start(t.Context(), etcd.Config{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = embedded.Close() })
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{embedded.Endpoint()}, DialTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func put(t *testing.T, client *clientv3.Client) {
	t.Helper()
	if _, err := client.Put(t.Context(), "/registry/dittofs.io/dittoservers/a", "{}"); err != nil {
		t.Fatal(err)
	}
}

func guard(client *clientv3.Client, host kubernetes.Interface, accept bool) *Guard {
	return New(Config{Etcd: client, Prefix: "/registry", Group: "dittofs.io", Host: host, Namespace: namespace, Accept: accept})
}

func checked(t *testing.T, g *Guard) Verdict {
	t.Helper()
	verdict, err := g.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return verdict
}

func known(t *testing.T, host kubernetes.Interface) map[string]string {
	t.Helper()
	configMap, err := host.CoreV1().ConfigMaps(namespace).Get(t.Context(), ConfigMapName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return configMap.Data
}

// remembered is what known returns, or nothing on a host without the ConfigMap.
func remembered(t *testing.T, host kubernetes.Interface) map[string]string {
	t.Helper()
	list, err := host.CoreV1().ConfigMaps(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) == 0 {
		return nil
	}
	return list.Items[0].Data
}

func hostKnows(id, revision string) *fake.Clientset {
	return fake.NewClientset(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: ConfigMapName},
		Data:       map[string]string{keyID: id, keyRevision: revision},
	})
}

func TestTheFirstStoreOfAHostServesAndIsRemembered(t *testing.T) {
	client, host := newEtcd(t), fake.NewClientset()
	if verdict := checked(t, guard(client, host, false)); verdict.ObserveOnly {
		t.Fatal(verdict.Reason)
	}
	first := known(t, host)
	put(t, client)
	if verdict := checked(t, guard(client, host, false)); verdict.ObserveOnly {
		t.Fatalf("the same store is refused: %s", verdict.Reason)
	}
	if again := known(t, host); again[keyID] != first[keyID] || first[keyID] == "" {
		t.Errorf("the identity changed from %v to %v", first, again)
	}
}

func TestAnEmptyStoreServesAndSaysThatItReplacedAnother(t *testing.T) {
	client, host := newEtcd(t), hostKnows("lost", "100")
	if verdict := checked(t, guard(client, host, false)); verdict.ObserveOnly {
		t.Fatal(verdict.Reason)
	}
	if known(t, host)[keyID] == "lost" {
		t.Error("the host still remembers the lost store")
	}
	events, err := host.CoreV1().Events(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(events.Items) != 1 || events.Items[0].Reason != ReasonStoreReplaced {
		t.Errorf("events: %v, %v", events.Items, err)
	}
}

func TestAStoreThatIsNotTheKnownOneOnlyObserves(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*testing.T, *clientv3.Client) *fake.Clientset
		reason  string
	}{
		"a foreign store with objects": {func(t *testing.T, client *clientv3.Client) *fake.Clientset {
			checked(t, guard(client, fake.NewClientset(), false))
			put(t, client)
			return hostKnows("another", "1")
		}, "the host cluster knows store another"},
		"a store with objects and no identity": {func(t *testing.T, client *clientv3.Client) *fake.Clientset {
			put(t, client)
			return hostKnows("another", "1")
		}, "has no identity"},
		"a store that another host knew, on a host that knows none": {func(t *testing.T, client *clientv3.Client) *fake.Clientset {
			checked(t, guard(client, fake.NewClientset(), false))
			put(t, client)
			return fake.NewClientset()
		}, "the host cluster knows none"},
		"a store that went back in time": {func(t *testing.T, client *clientv3.Client) *fake.Clientset {
			host := fake.NewClientset()
			checked(t, guard(client, host, false))
			put(t, client)
			return hostKnows(known(t, host)[keyID], "1000")
		}, "went back in time"},
	} {
		t.Run(name, func(t *testing.T) {
			client := newEtcd(t)
			host := c.prepare(t, client)
			before := remembered(t, host)
			verdict := checked(t, guard(client, host, false))
			if !verdict.ObserveOnly || !strings.Contains(verdict.Reason, c.reason) {
				t.Fatalf("verdict %+v, want the reason to contain %q", verdict, c.reason)
			}
			if after := remembered(t, host); after[keyID] != before[keyID] || after[keyRevision] != before[keyRevision] {
				t.Errorf("the host's record changed from %v to %v", before, after)
			}
			if verdict := checked(t, guard(client, host, true)); verdict.ObserveOnly {
				t.Errorf("not accepted: %s", verdict.Reason)
			}
			if verdict := checked(t, guard(client, host, false)); verdict.ObserveOnly {
				t.Errorf("accepted once, refused at the next start: %s", verdict.Reason)
			}
		})
	}
}

func TestRecordingNeverGoesBack(t *testing.T) {
	client, host := newEtcd(t), fake.NewClientset()
	g := guard(client, host, false)
	checked(t, g)
	for _, revision := range []int64{50, 40} {
		current, err := g.store.advance(t.Context(), revision)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.host.write(t.Context(), current, false); err != nil {
			t.Fatal(err)
		}
	}
	if got := known(t, host)[keyRevision]; got != "50" {
		t.Errorf("recorded revision %s, want 50", got)
	}
}

// A rolled back store that holds nothing is harmless, and must not be refused later.
func TestAnEmptyStoreOfTheKnownNameThatWentBackIsANewStore(t *testing.T) {
	client, first := newEtcd(t), fake.NewClientset()
	checked(t, guard(client, first, false))
	host := hostKnows(known(t, first)[keyID], "1000")
	if verdict := checked(t, guard(client, host, false)); verdict.ObserveOnly {
		t.Fatal(verdict.Reason)
	}
	if known(t, host)[keyID] == known(t, first)[keyID] {
		t.Error("the store kept its old name")
	}
	put(t, client)
	if verdict := checked(t, guard(client, host, false)); verdict.ObserveOnly {
		t.Errorf("refused at the next start: %s", verdict.Reason)
	}
}

func TestReplicasThatRecordAtOnceNeverClaimMoreThanIsStored(t *testing.T) {
	client := newEtcd(t)
	g := guard(client, fake.NewClientset(), false)
	checked(t, g)
	var group sync.WaitGroup
	var highest atomic.Int64
	for revision := range int64(32) {
		group.Go(func() {
			current, err := g.store.advance(t.Context(), 100+revision)
			if err != nil {
				t.Error(err)
				return
			}
			for seen := highest.Load(); current.Revision > seen && !highest.CompareAndSwap(seen, current.Revision); seen = highest.Load() {
			}
		})
	}
	group.Wait()
	found, err := g.store.read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if found.record.Revision != highest.Load() {
		t.Errorf("claimed %d, stored %d", highest.Load(), found.record.Revision)
	}
}

func TestAnotherStoreIsNotRecordedUnlessAccepted(t *testing.T) {
	host := guard(nil, hostKnows("another", "1"), false).host
	if err := host.write(t.Context(), &record{ID: "mine", Revision: 5}, false); err == nil || !strings.Contains(err.Error(), "names store another") {
		t.Errorf("got %v", err)
	}
	if err := host.write(t.Context(), &record{ID: "mine", Revision: 5}, true); err != nil {
		t.Error(err)
	}
}

func TestADamagedIdentityStopsTheStart(t *testing.T) {
	client := newEtcd(t)
	if _, err := client.Put(t.Context(), "/registry/dittofs-apiserver/store-identity", "{"); err != nil {
		t.Fatal(err)
	}
	if _, err := guard(client, fake.NewClientset(), false).Check(t.Context()); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("got %v", err)
	}
}
