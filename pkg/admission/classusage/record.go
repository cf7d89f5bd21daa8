// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package classusage

import (
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
)

// record is what etcd keeps for one class in one namespace.
type record struct {
	// Class and Generation say which class it was kept for.
	Class      types.UID        `json:"class"`
	Generation int64            `json:"generation"`
	Servers    map[string]entry `json:"servers"`
}

// entry is a server that is there, or on its way.
type entry struct {
	// Storage is the most that the server has, or will have.
	Storage resource.Quantity `json:"storage"`
	// Until is when the last request that reserved it has ended: after that, only
	// what is stored counts.
	Until time.Time `json:"until,omitzero"`
}

// with is the record once the claim is granted.
func (r *record) with(c claim, now time.Time) *record {
	next := &record{Class: c.uid, Generation: c.generation, Servers: maps.Clone(r.Servers)}
	if next.Servers == nil {
		next.Servers = map[string]entry{}
	}
	e := next.Servers[c.server]
	// Two requests about one server: whichever comes last, there is room for both.
	pending := e.Until.After(now)
	if !pending || c.storage.Cmp(e.Storage) > 0 {
		e.Storage = c.storage
	}
	if c.until.After(e.Until) {
		e.Until = c.until
	}
	next.Servers[c.server] = e
	return next
}

// end is when its last request has ended, and not before now.
func (r *record) end(now time.Time) time.Time {
	for _, e := range r.Servers {
		if e.Until.After(now) {
			now = e.Until
		}
	}
	return now
}

// over says what is too much in a record that has the claim already.
func (r *record) over(c claim, within bounds) *excess {
	var all resource.Quantity
	for _, e := range r.Servers {
		all.Add(e.Storage)
	}
	switch {
	case c.created && within.servers != nil && len(r.Servers) > int(*within.servers):
		others := slices.Sorted(maps.Keys(r.Servers))
		return &excess{servers: slices.DeleteFunc(others, func(name string) bool { return name == c.server })}
	case within.storage != nil && all.Cmp(*within.storage) > 0:
		all.Sub(r.Servers[c.server].Storage)
		return &excess{storage: &all}
	}
	return nil
}
