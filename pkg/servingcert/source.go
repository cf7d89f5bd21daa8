// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"bytes"
	"sync"
	"time"

	"k8s.io/apiserver/pkg/server/dynamiccertificates"
)

// Source is the certificate that the listener shows. It is handed to the listener before there is one.
type Source struct {
	mu        sync.Mutex
	leaf      *pair
	issuer    []byte
	cert, key []byte
	listeners []dynamiccertificates.Listener
}

var _ dynamiccertificates.CertKeyContentProvider = &Source{}

// Name tells certificates apart in logs.
func (s *Source) Name() string { return "self-managed" }

// CurrentCertKeyContent returns the certificate and its key as PEM.
func (s *Source) CurrentCertKeyContent() (certificate, key []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cert, s.key
}

// AddListener has the listener told of each new certificate.
func (s *Source) AddListener(listener dynamiccertificates.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, listener)
}

// renew issues a certificate if the one there is, is not of this authority or is old. It returns when the next is due.
func (s *Source) renew(authority *pair, names []string, now time.Time) (due time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaf != nil && bytes.Equal(s.issuer, authority.certificate.Raw) && now.Before(s.leaf.ripe()) {
		return s.leaf.ripe(), nil
	}
	leaf, err := authority.newLeaf(names, now)
	if err != nil {
		return time.Time{}, err
	}
	cert, key, err := leaf.encode()
	if err != nil {
		return time.Time{}, err
	}
	s.leaf, s.issuer, s.cert, s.key = leaf, authority.certificate.Raw, cert, key
	for _, listener := range s.listeners {
		listener.Enqueue()
	}
	expires.WithLabelValues("serving").Set(float64(leaf.certificate.NotAfter.Unix()))
	return leaf.ripe(), nil
}
