// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Store holds the last Observation and the last survey of each server. It is safe for use by several goroutines.
type Store struct {
	mu      sync.RWMutex
	last    map[types.NamespacedName]Observation
	surveys map[types.NamespacedName]survey
}

// NewStore returns an empty Store.
func NewStore() *Store {
	return &Store{last: map[types.NamespacedName]Observation{}, surveys: map[types.NamespacedName]survey{}}
}

// Get returns what is known of a server.
func (s *Store) Get(server types.NamespacedName) (Observation, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	o, ok := s.last[server]
	if found, known := s.surveys[server]; ok && known && found.pod == o.Pod {
		o.LocalShares = found.shares
	}
	return o, ok
}

// Put records an observation and says whether it is news.
func (s *Store) Put(server types.NamespacedName, o Observation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.LocalShares = nil // of the other table
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

// survey is what was seen of the shares of the dfs process in one pod.
type survey struct {
	pod    types.UID
	shares []LocalShare
}

// PutSurvey records the shares that were seen in a pod and says whether that is news.
func (s *Store) PutSurvey(server types.NamespacedName, pod types.UID, shares ...LocalShare) bool {
	found := survey{pod, append([]LocalShare{}, shares...)}
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.surveys[server]
	s.surveys[server] = found
	return !known || before.pod != found.pod || !slices.Equal(before.shares, found.shares)
}

// forgetSurvey drops the survey of a server and says whether there was one.
func (s *Store) forgetSurvey(server types.NamespacedName) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.surveys[server]
	delete(s.surveys, server)
	return known
}
