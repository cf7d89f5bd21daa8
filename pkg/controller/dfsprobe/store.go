// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Store holds the last Observation of each server. It is safe for use by several goroutines.
type Store struct {
	mu   sync.RWMutex
	last map[types.NamespacedName]Observation
}

// NewStore returns an empty Store.
func NewStore() *Store { return &Store{last: map[types.NamespacedName]Observation{}} }

// Get returns what is known of a server.
func (s *Store) Get(server types.NamespacedName) (Observation, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	o, ok := s.last[server]
	return o, ok
}

// Put records an observation and says whether it is news.
func (s *Store) Put(server types.NamespacedName, o Observation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.last[server]
	s.last[server] = o
	return !known || !before.Same(o)
}

// Forget drops a server and says whether anything was known of it.
func (s *Store) Forget(server types.NamespacedName) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.last[server]
	delete(s.last, server)
	return known
}
