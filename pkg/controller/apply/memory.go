// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// record is what is known about our last apply of one object.
type record struct {
	uid             types.UID
	resourceVersion string
	want            string // hash of what was sent
	owned           string // hash of what we owned afterwards
}

// memory keeps one record per applied object. It serves two ends: not to send twice while the cache lags, and not to
// send for ever what somebody changes on its way in.
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

func (m *memory) forget(server types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.servers, server)
}
