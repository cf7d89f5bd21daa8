// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package classusage

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/class"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

// ledger keeps, for each class and namespace, one record of the servers that are
// there and of those that are on their way. Every replica writes it by
// compare-and-swap before a server is stored, so that of creates that race only
// as many pass as there is room for. Nobody has to clean up: a place that was
// taken by a create which failed is free again when its time is over, and the
// record is gone some time after its last change.
type ledger struct {
	records records
	servers dittofsadmission.ClassServers
	now     func() time.Time
}

// claim is what one request takes.
type claim struct {
	class      string
	uid        types.UID
	generation int64
	namespace  string
	server     string
	created    bool
	storage    resource.Quantity
	// until is when the request has certainly ended.
	until time.Time
	// dry claims are looked at and not kept, forced ones are kept without a look.
	dry, forced bool
}

// bounds are those of the class; nil is none.
type bounds struct {
	servers *int32
	storage *resource.Quantity
}

// excess is why there is no room: what the others have.
type excess struct {
	servers []string // their names, if there are too many servers
	storage *resource.Quantity
}

// reserve takes a place, or says that there is none.
func (l *ledger) reserve(ctx context.Context, c claim, within bounds) (*excess, error) {
	key := c.class + "/" + c.namespace
	for {
		known, revision, err := l.records.read(ctx, key)
		if err != nil {
			return nil, err
		}
		current := known != nil && known.Class == c.uid && known.Generation == c.generation
		if !current {
			// Another version of the class may have had no limits, and then nobody kept the record.
			if known, err = l.rebuild(ctx, c, known); err != nil {
				return nil, err
			}
		}
		next := known.with(c, l.now())
		over := next.over(c, within)
		if over != nil && current {
			// What failed, was deleted or became smaller since is still in the record.
			if known, err = l.rebuild(ctx, c, known); err != nil {
				return nil, err
			}
			next = known.with(c, l.now())
			over = next.over(c, within)
		}
		if over != nil && !c.forced {
			return over, nil
		}
		if c.dry {
			return nil, nil
		}
		if written, err := l.records.write(ctx, key, revision, next); err != nil || written {
			return nil, err
		}
	}
}

// rebuild takes the servers as they are stored, which is read after the record,
// and from the record only what may still be on its way.
func (l *ledger) rebuild(ctx context.Context, c claim, known *record) (*record, error) {
	servers, err := l.servers.OfClass(ctx, c.namespace, c.class)
	if err != nil {
		return nil, fmt.Errorf("list the servers of the class: %w", err)
	}
	fresh := &record{Class: c.uid, Generation: c.generation, Servers: map[string]entry{}}
	if known != nil && known.Class == c.uid {
		for name, e := range known.Servers {
			if e.Until.After(l.now()) {
				fresh.Servers[name] = e
			}
		}
	}
	for i := range servers {
		stored := class.StorageOf(&servers[i].Spec)
		e := fresh.Servers[servers[i].Name]
		if stored.Cmp(e.Storage) > 0 {
			e.Storage = stored
		}
		fresh.Servers[servers[i].Name] = e
	}
	return fresh, nil
}
