// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package storeidentity tells whether the store behind the API server is the one
// that the host cluster knows. In go our etcd and a ConfigMap of the host, out
// comes a verdict: serve, or observe only. It never changes a stored object.
package storeidentity

import (
	"context"
	"encoding/json"
	"fmt"
	"path"

	"github.com/google/uuid"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// record is what both sides keep: which store it is, and a revision that it has
// reached. It is written to the store first, so that a genuine store is never
// behind the host's copy.
type record struct {
	ID       string `json:"id"`
	Revision int64  `json:"revision"`
}

// store reads and writes the record in etcd and looks at what lies beside it.
type store struct {
	client *clientv3.Client
	// key lies outside objects, so that writing it is not itself a change.
	key, objects string
}

func newStore(client *clientv3.Client, prefix, group string) *store {
	return &store{
		client:  client,
		key:     path.Join("/", prefix, "dittofs-apiserver", "store-identity"),
		objects: path.Join("/", prefix, group) + "/",
	}
}

// state is the store as found: its record (nil if it has none) and the revision
// at which that was written, whether it holds objects, and the revision it is at.
type state struct {
	record   *record
	modified int64
	empty    bool
	revision int64
}

func (s *store) read(ctx context.Context) (*state, error) {
	response, err := s.client.Txn(ctx).Then(
		clientv3.OpGet(s.key),
		clientv3.OpGet(s.objects, clientv3.WithPrefix(), clientv3.WithCountOnly()),
	).Commit()
	if err != nil {
		return nil, fmt.Errorf("read the identity of the store: %w", err)
	}
	found := &state{
		revision: response.Header.Revision,
		empty:    response.Responses[1].GetResponseRange().Count == 0,
	}
	if kvs := response.Responses[0].GetResponseRange().Kvs; len(kvs) == 1 {
		found.record, found.modified = &record{}, kvs[0].ModRevision
		if err := json.Unmarshal(kvs[0].Value, found.record); err != nil {
			return nil, fmt.Errorf("the identity of the store (etcd key %s) is damaged: %w", s.key, err)
		}
	}
	return found, nil
}

// identify gives the store an identity in place of the one it had (nil: none);
// of several replicas the first one wins.
func (s *store) identify(ctx context.Context, found *state) (*record, error) {
	value, err := json.Marshal(record{ID: uuid.NewString(), Revision: found.revision})
	if err != nil {
		return nil, err
	}
	_, err = s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.ModRevision(s.key), "=", found.modified)).
		Then(clientv3.OpPut(s.key, string(value))).
		Commit()
	if err != nil {
		return nil, fmt.Errorf("write the identity of the store: %w", err)
	}
	current, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	return current.record, nil
}

// advance raises the revision in the record and returns what is stored then. It
// never lowers it, and never claims more than is stored: another replica may be
// writing at the same time.
func (s *store) advance(ctx context.Context, revision int64) (*record, error) {
	for {
		response, err := s.client.Get(ctx, s.key)
		if err != nil {
			return nil, fmt.Errorf("read the identity of the store: %w", err)
		}
		if len(response.Kvs) == 0 {
			return nil, fmt.Errorf("the identity of the store (etcd key %s) is gone", s.key)
		}
		current := &record{}
		if err := json.Unmarshal(response.Kvs[0].Value, current); err != nil {
			return nil, fmt.Errorf("the identity of the store (etcd key %s) is damaged: %w", s.key, err)
		}
		if current.Revision >= revision {
			return current, nil
		}
		current.Revision = revision
		value, err := json.Marshal(current)
		if err != nil {
			return nil, err
		}
		swap, err := s.client.Txn(ctx).
			If(clientv3.Compare(clientv3.ModRevision(s.key), "=", response.Kvs[0].ModRevision)).
			Then(clientv3.OpPut(s.key, string(value))).
			Commit()
		if err != nil {
			return nil, fmt.Errorf("write the identity of the store: %w", err)
		}
		if swap.Succeeded {
			return current, nil
		}
	}
}
