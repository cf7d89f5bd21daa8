// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// record is what is known about our last apply of one object, empty but for asWanted if there was none.
type record struct {
	uid             types.UID
	resourceVersion string
	want            string // hash of what was sent
	owned           string // hash of what we owned afterwards; empty after a create, where only the version tells
	// asWanted is the last comparison in which nothing differed: what was wanted, and the version that it was compared with.
	asWanted wish
}

type wish struct {
	uid                   types.UID
	resourceVersion, want string
}

// made says that an object is as our last apply left it, and that this apply had the same wish.
func (r record) made(live client.Object, want, owned fields) bool {
	if r.uid != live.GetUID() || r.want != hash(want) {
		return false
	}
	if r.owned == "" {
		return r.resourceVersion == live.GetResourceVersion()
	}
	return r.owned == hash(owned)
}

func (r record) settled(live client.Object, want string) bool {
	return r.asWanted == wish{live.GetUID(), live.GetResourceVersion(), want}
}

// memory keeps one record per applied object. It serves three ends: not to send twice while the cache lags, not to send
// for ever what somebody changes on its way in, and not to compare again what has not changed: most passes are about one
// object of a server, and reading the managed fields of all the others is what costs most in them.
type memory struct {
	mu      sync.Mutex
	servers map[types.NamespacedName]map[string]record
}

func objectKey(req Request) string { return req.Kind.GVK.Kind + "/" + req.Name }

func (m *memory) get(req Request) (record, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.servers[req.Server][objectKey(req)]
	return r, ok
}

func (m *memory) put(req Request, r record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.servers == nil {
		m.servers = map[types.NamespacedName]map[string]record{}
	}
	if m.servers[req.Server] == nil {
		m.servers[req.Server] = map[string]record{}
	}
	m.servers[req.Server][objectKey(req)] = r
}

// settle notes that an object is as wanted.
func (m *memory) settle(req Request, live client.Object, want string) {
	r, _ := m.get(req)
	r.asWanted = wish{live.GetUID(), live.GetResourceVersion(), want}
	m.put(req, r)
}

func (m *memory) forget(server types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.servers, server)
}
