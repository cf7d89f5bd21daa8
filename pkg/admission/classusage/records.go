// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package classusage

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// records keep one record for each class and namespace for as long as it can matter: once the requests in it have
// ended, everything in it is in the store too.
type records interface {
	// read returns what is kept, and the version that write compares with; nil if nothing is kept.
	read(ctx context.Context, key string) (*record, int64, error)
	// write succeeds only if nobody has written since.
	write(ctx context.Context, key string, version int64, next *record) (bool, error)
}

const (
	// kept is how long a record is there after its last change, at the least, and after its last request has ended.
	kept = 5 * time.Minute
	// swept is how often records that are older than that are looked for.
	swept = time.Minute
)

// memory is for the process that has its etcd for itself. When it ends, so do the requests that it has admitted.
type memory struct {
	now func() time.Time

	mu      sync.Mutex
	version int64
	kept    map[string]remembered
	sweep   time.Time
}

type remembered struct {
	*record
	version int64
	until   time.Time
}

func newMemory(now func() time.Time) *memory { return &memory{now: now, kept: map[string]remembered{}} }

func (m *memory) read(_ context.Context, key string) (*record, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.kept[key]
	return known.record, known.version, nil
}

func (m *memory) write(_ context.Context, key string, version int64, next *record) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept[key].version != version {
		return false, nil
	}
	now := m.now()
	m.version++
	m.kept[key] = remembered{next, m.version, next.end(now).Add(kept)}
	if now.After(m.sweep) {
		for key, known := range m.kept {
			if now.After(known.until) {
				delete(m.kept, key)
			}
		}
		m.sweep = now.Add(swept)
	}
	return true, nil
}

// shared is for replicas that have one etcd. Its records end by themselves, by leases of etcd.
type shared struct {
	client *clientv3.Client
	prefix string
	now    func() time.Time
	// kept is the constant, but in tests.
	kept time.Duration

	mu      sync.Mutex
	lease   clientv3.LeaseID
	expires time.Time
}

func (s *shared) read(ctx context.Context, key string) (*record, int64, error) {
	response, err := s.client.Get(ctx, s.prefix+key)
	if err != nil {
		return nil, 0, fmt.Errorf("read the record of the class: %w", err)
	}
	if len(response.Kvs) == 0 {
		return nil, 0, nil
	}
	known := &record{}
	if err := json.Unmarshal(response.Kvs[0].Value, known); err != nil {
		return nil, 0, fmt.Errorf("read the record of the class, %s in etcd: %w", s.prefix+key, err)
	}
	return known, response.Kvs[0].ModRevision, nil
}

func (s *shared) write(ctx context.Context, key string, version int64, next *record) (bool, error) {
	value, err := json.Marshal(next)
	if err != nil {
		return false, fmt.Errorf("write the record of the class: %w", err)
	}
	lease, err := s.leaseUntil(ctx, next.end(s.now()).Add(s.kept))
	if err != nil {
		return false, err
	}
	response, err := s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.ModRevision(s.prefix+key), "=", version)).
		Then(clientv3.OpPut(s.prefix+key, string(value), clientv3.WithLease(lease))).Commit()
	if err != nil {
		s.forget(lease)
		return false, fmt.Errorf("write the record of the class: %w", err)
	}
	return response.Succeeded, nil
}

// leaseUntil returns a lease that ends after that. Writes of some time have the same one.
func (s *shared) leaseUntil(ctx context.Context, end time.Time) (clientv3.LeaseID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lease != 0 && !s.expires.Before(end) {
		return s.lease, nil
	}
	now := s.now()
	life := end.Sub(now) + s.kept
	granted, err := s.client.Grant(ctx, int64(life/time.Second)+1)
	if err != nil {
		return 0, fmt.Errorf("get a lease for the records of classes: %w", err)
	}
	// From before it was asked for: in etcd it ends later.
	s.lease, s.expires = granted.ID, now.Add(life)
	return s.lease, nil
}

// forget makes the next write get another lease: this one may be gone, in a store that was brought back from a copy.
func (s *shared) forget(lease clientv3.LeaseID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lease == lease {
		s.lease = 0
	}
}
