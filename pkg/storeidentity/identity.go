// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package storeidentity

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Identity is what a store says of itself.
type Identity struct {
	// ID is empty for a store that no server has ever used.
	ID string `json:"id"`
	// Revision is that of the last change of an object that was recorded. Later changes may be stored.
	Revision int64 `json:"revision"`
}

// Read returns the identity of a store. Prefix and group are those of Config.
func Read(ctx context.Context, client *clientv3.Client, prefix, group string) (Identity, error) {
	found, err := newStore(client, prefix, group).read(ctx)
	if err != nil || found.record == nil {
		return Identity{}, err
	}
	return Identity(*found.record), nil
}

// Renew gives a store that was made from a copy an identity of its own. The host cluster does not know it then, so that a
// server observes until somebody accepts the store: a raised revision alone would hide that it is old.
func Renew(ctx context.Context, client *clientv3.Client, prefix, group string) (Identity, error) {
	s := newStore(client, prefix, group)
	found, err := s.read(ctx)
	if err != nil {
		return Identity{}, err
	}
	before := found.record
	renewed, err := s.identify(ctx, found)
	if err != nil {
		return Identity{}, err
	}
	if before != nil && renewed.ID == before.ID {
		return Identity{}, fmt.Errorf("the store %s kept its identity: somebody else writes to it", before.ID)
	}
	return Identity(*renewed), nil
}

// Renewed tells whether a store is as Renew has left a restored one: the identity was written last, right after everything
// before it was compacted. A store in use is compacted up to some time before its last write.
func Renewed(ctx context.Context, client *clientv3.Client, prefix, group string) (bool, error) {
	s := newStore(client, prefix, group)
	found, err := s.read(ctx)
	if err != nil {
		return false, err
	}
	if found.record == nil || found.modified != found.revision || found.record.Revision != found.revision-1 {
		return false, nil
	}
	_, err = client.Get(ctx, s.key, clientv3.WithRev(found.revision-2))
	if errors.Is(err, rpctypes.ErrCompacted) {
		return true, nil
	}
	return false, err
}
