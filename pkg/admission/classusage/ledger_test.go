// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package classusage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
)

// stored are the DittoServers of one class in one namespace.
type stored struct {
	mu      sync.Mutex
	servers map[string]string // name to size
}

func (s *stored) OfClass(context.Context, string, string) ([]dittofsv1alpha1.DittoServer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []dittofsv1alpha1.DittoServer
	for name, size := range s.servers {
		server := dittofsv1alpha1.DittoServer{}
		server.Name = name
		server.Spec.Storage.MetadataSize = ptr.To(resource.MustParse(size))
		all = append(all, server)
	}
	return all, nil
}

func (s *stored) set(name, size string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if size == "" {
		delete(s.servers, name)
		return
	}
	s.servers[name] = size
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

type world struct {
	stored
	kept func(now func() time.Time) records
	now  time.Time
}

// inBoth runs a test with records in etcd, which replicas share, and in the memory of one process.
func inBoth(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("in etcd", func(t *testing.T) {
		client := startEtcd(t)
		test(t, newWorld(func(now func() time.Time) records {
			return &shared{client: client, prefix: prefix, now: now, kept: kept}
		}))
	})
	t.Run("in memory", func(t *testing.T) {
		one := newMemory(nil)
		test(t, newWorld(func(now func() time.Time) records {
			one.now = now
			return one
		}))
	})
}

func newWorld(kept func(func() time.Time) records) *world {
	return &world{stored: stored{servers: map[string]string{}}, now: start, kept: kept}
}

func startEtcd(t *testing.T) *clientv3.Client {
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

const prefix = "/registry/dittofs-records/classusage/"

// replica is the ledger of one of several servers on the same etcd.
func (w *world) replica() *ledger {
	now := func() time.Time { return w.now }
	return &ledger{records: w.kept(now), servers: &w.stored, now: now}
}

// asks is a claim for a new server; its request ends after a minute.
func (w *world) asks(server, size string) claim {
	return claim{
		class: "small", uid: "uid", generation: 1, namespace: "team", server: server,
		created: true, storage: resource.MustParse(size), until: w.now.Add(time.Minute),
	}
}

func (w *world) grows(server, size string) claim {
	c := w.asks(server, size)
	c.created = false
	return c
}

func expect(t *testing.T, l *ledger, c claim, within bounds, pass bool) *excess {
	t.Helper()
	over, err := l.reserve(t.Context(), c, within)
	if err != nil {
		t.Fatal(err)
	}
	if (over == nil) != pass {
		t.Fatalf("%s with %s passes: %v, want %v (%+v)", c.server, c.storage.String(), over == nil, pass, over)
	}
	return over
}

func TestOfManyCreatesAtOnceOverTwoReplicasAsManyPassAsThereIsRoomFor(t *testing.T) {
	for _, limit := range []int32{1, 3} {
		inBoth(t, func(t *testing.T, w *world) {
			replicas := []*ledger{w.replica(), w.replica()}
			var passed, refused sync.Map
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					c := w.asks(fmt.Sprintf("s%02d", i), "1Gi")
					over, err := replicas[i%2].reserve(t.Context(), c, bounds{servers: &limit})
					switch {
					case err != nil:
						t.Error(err)
					case over == nil:
						passed.Store(c.server, true)
						w.set(c.server, "1Gi")
					default:
						refused.Store(c.server, true)
					}
				})
			}
			wg.Wait()
			if got := size(&passed); got != int(limit) {
				t.Errorf("%d passed, %d were refused", got, size(&refused))
			}
		})
	}
}

func size(m *sync.Map) (count int) {
	m.Range(func(any, any) bool { count++; return true })
	return count
}

func TestStorageIsSummedOverTheNamespace(t *testing.T) {
	inBoth(t, func(t *testing.T, w *world) {
		within := bounds{storage: ptr.To(resource.MustParse("10Gi"))}
		expect(t, w.replica(), w.asks("a", "6Gi"), within, true)
		w.set("a", "6Gi")
		over := expect(t, w.replica(), w.asks("b", "5Gi"), within, false)
		if over.storage.String() != "6Gi" {
			t.Errorf("the others have %s", over.storage)
		}
		expect(t, w.replica(), w.asks("b", "4Gi"), within, true)
		w.set("b", "4Gi")
		expect(t, w.replica(), w.grows("a", "7Gi"), within, false)
	})
}

func TestTwoChangesOfOneServerAtOnceBothCount(t *testing.T) {
	inBoth(t, func(t *testing.T, w *world) {
		within := bounds{storage: ptr.To(resource.MustParse("10Gi"))}
		w.set("a", "1Gi")
		expect(t, w.replica(), w.grows("a", "9Gi"), within, true)
		expect(t, w.replica(), w.grows("a", "2Gi"), within, true)
		expect(t, w.replica(), w.asks("b", "2Gi"), within, false)
		// The larger one has failed, which is known once its time is over.
		w.now = w.now.Add(2 * time.Minute)
		w.set("a", "2Gi")
		expect(t, w.replica(), w.asks("b", "2Gi"), within, true)
	})
}

func TestACreateThatFailedFreesItsPlaceByItself(t *testing.T) {
	inBoth(t, func(t *testing.T, w *world) {
		one := int32(1)
		within := bounds{servers: &one}
		expect(t, w.replica(), w.asks("failed", "1Gi"), within, true)
		w.now = w.now.Add(59 * time.Second)
		over := expect(t, w.replica(), w.asks("next", "1Gi"), within, false)
		if !slices.Equal(over.servers, []string{"failed"}) {
			t.Errorf("the others are %v", over.servers)
		}
		w.now = w.now.Add(2 * time.Second)
		expect(t, w.replica(), w.asks("next", "1Gi"), within, true)
	})
}

func TestADeletedServerMakesRoomAtOnceAfterItsCreateIsOver(t *testing.T) {
	inBoth(t, func(t *testing.T, w *world) {
		one := int32(1)
		within := bounds{servers: &one}
		expect(t, w.replica(), w.asks("a", "1Gi"), within, true)
		w.set("a", "1Gi")
		w.now = w.now.Add(2 * time.Minute)
		expect(t, w.replica(), w.asks("b", "1Gi"), within, false)
		w.set("a", "")
		expect(t, w.replica(), w.asks("b", "1Gi"), within, true)
	})
}

func TestServersFromBeforeTheLimitAreCounted(t *testing.T) {
	inBoth(t, func(t *testing.T, w *world) {
		two := int32(2)
		within := bounds{servers: &two}
		w.set("a", "1Gi")
		w.set("b", "1Gi")
		expect(t, w.replica(), w.asks("c", "1Gi"), within, false)

		// While the class had no limit, nobody kept the record.
		w.set("b", "")
		expect(t, w.replica(), w.asks("b", "1Gi"), within, true)
		w.set("b", "")
		w.now = w.now.Add(2 * time.Minute)
		w.set("x", "1Gi")
		changed := w.asks("c", "1Gi")
		changed.generation = 3
		three := int32(3)
		expect(t, w.replica(), changed, bounds{servers: &three}, true)
		w.set("c", "1Gi")
		changed.server = "d"
		if over := expect(t, w.replica(), changed, bounds{servers: &three}, false); strings.Join(over.servers, " ") != "a c x" {
			t.Errorf("the others are %v", over.servers)
		}
	})
}

func TestAClassOfTheSameNameStartsAnew(t *testing.T) {
	inBoth(t, func(t *testing.T, w *world) {
		one := int32(1)
		within := bounds{servers: &one}
		expect(t, w.replica(), w.asks("a", "1Gi"), within, true)
		another := w.asks("b", "1Gi")
		another.uid = "another"
		expect(t, w.replica(), another, within, true)
	})
}

func TestADryRunTakesNoPlace(t *testing.T) {
	inBoth(t, func(t *testing.T, w *world) {
		one := int32(1)
		within := bounds{servers: &one}
		dry := w.asks("a", "1Gi")
		dry.dry = true
		expect(t, w.replica(), dry, within, true)
		expect(t, w.replica(), w.asks("b", "1Gi"), within, true)
		expect(t, w.replica(), dry, within, false)
	})
}

func TestWhatIsForcedIsCounted(t *testing.T) {
	inBoth(t, func(t *testing.T, w *world) {
		one := int32(1)
		within := bounds{servers: &one}
		expect(t, w.replica(), w.asks("a", "1Gi"), within, true)
		forced := w.asks("b", "1Gi")
		forced.forced = true
		expect(t, w.replica(), forced, within, true)
		if over := expect(t, w.replica(), w.asks("c", "1Gi"), within, false); strings.Join(over.servers, " ") != "a b" {
			t.Errorf("the others are %v", over.servers)
		}
	})
}
