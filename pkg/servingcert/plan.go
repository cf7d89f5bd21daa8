// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// Keys of the Secret. The first two are those of a Secret of the type kubernetes.io/tls.
const (
	keyCurrentCert = "tls.crt"
	keyCurrentKey  = "tls.key"
	keyNextCert    = "next.crt"
	keyNextKey     = "next.key"
	keyBundle      = "ca.crt"
	keyPromoted    = "promoted"
)

// settle is how long a new authority is trusted before it signs: every kube-apiserver of the cluster must have heard of it.
const settle = time.Minute

// authorities are the content of the Secret.
type authorities struct {
	// current signs. nil: there is none yet, or none that can be read.
	current *pair
	// next is trusted already and will sign.
	next *pair
	// trusted is what the APIService should trust: current, next, and former ones.
	trusted []*x509.Certificate
	// promoted is when current began to sign; zero for the first one.
	promoted time.Time
}

func decodeAuthorities(data map[string][]byte) authorities {
	a := authorities{trusted: decodeBundle(data[keyBundle])}
	// What cannot be read is as good as lost: a new one takes its place.
	a.current, _ = decodePair(data[keyCurrentCert], data[keyCurrentKey])
	a.next, _ = decodePair(data[keyNextCert], data[keyNextKey])
	a.promoted, _ = time.Parse(time.RFC3339, string(data[keyPromoted]))
	return a
}

func (a authorities) encode() (map[string][]byte, error) {
	data := map[string][]byte{keyBundle: encodeBundle(a.trusted)}
	var err error
	if data[keyCurrentCert], data[keyCurrentKey], err = a.current.encode(); err != nil {
		return nil, err
	}
	if a.next != nil {
		if data[keyNextCert], data[keyNextKey], err = a.next.encode(); err != nil {
			return nil, err
		}
	}
	if !a.promoted.IsZero() {
		data[keyPromoted] = []byte(a.promoted.UTC().Format(time.RFC3339))
	}
	return data, nil
}

// advance takes every step that is due. published is what the APIService trusts now; rotate asks for a new authority
// before its time. wake is when to look again, should nothing else happen.
func (a authorities) advance(name string, published []byte, rotate bool, now time.Time) (_ authorities, changed bool, wake time.Time, err error) {
	if a.current == nil || !now.Before(a.current.certificate.NotAfter) {
		if a.current, err = newAuthority(name, now); err != nil {
			return a, false, wake, err
		}
		// It signs at once, trusted or not: there is nothing better.
		a.next, a.promoted, changed = nil, now, true
	}
	if a.next == nil && (rotate || !now.Before(a.current.ripe())) {
		if a.next, err = newAuthority(name, now); err != nil {
			return a, false, wake, err
		}
		changed = true
	}
	if a.next != nil {
		if signs := a.next.made().Add(settle); contains(decodeBundle(published), a.next.certificate) && !now.Before(signs) {
			a.current, a.next, a.promoted, changed = a.next, nil, now, true
		}
	}
	trusted := a.wanted(now)
	if !slices.EqualFunc(trusted, a.trusted, (*x509.Certificate).Equal) {
		a.trusted, changed = trusted, true
	}
	return a, changed, a.wake(now), nil
}

// wanted are current, next, and the former ones of which a certificate may still be in use.
func (a authorities) wanted(now time.Time) []*x509.Certificate {
	wanted := []*x509.Certificate{a.current.certificate}
	if a.next != nil {
		wanted = append(wanted, a.next.certificate)
	}
	if now.Before(a.promoted.Add(leafLifetime)) || a.promoted.IsZero() {
		for _, former := range a.trusted {
			if now.Before(former.NotAfter) && !contains(wanted, former) {
				wanted = append(wanted, former)
			}
		}
	}
	return wanted
}

func (a authorities) wake(now time.Time) time.Time {
	wake := a.current.ripe()
	if a.next != nil {
		// The watch of the APIService tells when it is trusted. Then only time is missing.
		wake = a.next.made().Add(settle)
	}
	if len(a.trusted) > 1 && a.next == nil {
		if forgotten := a.promoted.Add(leafLifetime); forgotten.Before(wake) {
			wake = forgotten
		}
	}
	if !wake.After(now) {
		wake = now.Add(settle)
	}
	return wake
}

func contains(certificates []*x509.Certificate, certificate *x509.Certificate) bool {
	return slices.ContainsFunc(certificates, certificate.Equal)
}

// sameBundle compares what two bundles hold, not how they are written.
func sameBundle(a, b []byte) bool {
	return bytes.Equal(encodeBundle(decodeBundle(a)), encodeBundle(decodeBundle(b)))
}

// names are those by which kube-apiserver verifies the server that a Service leads to, the most exact one first.
func names(service, namespace string) []string {
	full := fmt.Sprintf("%s.%s.svc", service, namespace)
	return []string{full, full + ".cluster.local", fmt.Sprintf("%s.%s", service, namespace)}
}
