// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"crypto/x509"
	"slices"
	"testing"
	"time"
)

var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// life plays the Secret, the APIService and two replicas, the second of which hears of changes late.
type life struct {
	t         *testing.T
	now       time.Time
	secret    map[string][]byte
	published []byte
	replicas  [2]Source
}

// step lets everybody do what is due, and checks that kube-apiserver trusts both replicas before and after.
func (l *life) step(rotate bool) (authorities, time.Time) {
	l.t.Helper()
	state, _, wake, err := decodeAuthorities(l.secret).advance("server", l.published, rotate, l.now)
	if err != nil {
		l.t.Fatal(err)
	}
	if l.secret, err = state.encode(); err != nil {
		l.t.Fatal(err)
	}
	l.renew(0, state)
	l.published = encodeBundle(state.trusted)
	l.trusted()
	l.renew(1, state)
	l.trusted()
	return state, wake
}

func (l *life) renew(replica int, state authorities) {
	l.t.Helper()
	if _, err := l.replicas[replica].renew(state.current, names("server", "ns"), l.now); err != nil {
		l.t.Fatal(err)
	}
}

func (l *life) trusted() {
	l.t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(l.published)
	for i := range l.replicas {
		leaf := l.replicas[i].leaf
		if leaf == nil {
			continue
		}
		if _, err := leaf.certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: "server.ns.svc", CurrentTime: l.now}); err != nil {
			l.t.Fatalf("at %s replica %d is not trusted: %v", l.now, i, err)
		}
	}
}

func TestInThreeYearsNoCertificateIsEverUntrusted(t *testing.T) {
	l := &life{t: t, now: began}
	signers := map[string]bool{}
	for l.now.Before(began.Add(3 * authorityLifetime)) {
		state, wake := l.step(false)
		if len(state.trusted) > 3 {
			t.Fatalf("at %s %d authorities are trusted", l.now, len(state.trusted))
		}
		signers[state.current.certificate.Subject.CommonName] = true
		if due := l.replicas[0].leaf.ripe(); due.Before(wake) {
			wake = due
		}
		if !wake.After(l.now) {
			t.Fatalf("at %s it wants to be woken at %s", l.now, wake)
		}
		l.now = wake
	}
	if len(signers) != 5 {
		t.Errorf("%d authorities signed in three years, want 5: each for two thirds of a year", len(signers))
	}
	if state, _ := l.step(false); len(state.trusted) != 1 {
		t.Errorf("%d authorities are trusted long after the last change, want 1", len(state.trusted))
	}
}

func TestANewAuthorityIsTrustedBeforeItSigns(t *testing.T) {
	l := &life{t: t, now: began}
	first, _ := l.step(false)
	l.now = l.now.Add(time.Hour)
	asked, wake := l.step(true)
	if asked.next == nil || !asked.current.certificate.Equal(first.current.certificate) || len(asked.trusted) != 2 {
		t.Fatalf("after the request: next %v, %d trusted", asked.next, len(asked.trusted))
	}
	if wake.Sub(l.now) > settle || !wake.After(l.now) {
		t.Errorf("wants to be woken after %s", wake.Sub(l.now))
	}
	l.now = l.now.Add(settle - time.Second)
	if early, _ := l.step(false); early.next == nil {
		t.Error("it signs although some kube-apiserver may not know it yet")
	}
	l.now = l.now.Add(time.Second)
	promoted, _ := l.step(false)
	if promoted.next != nil || promoted.current.certificate.Equal(first.current.certificate) {
		t.Fatal("it does not sign")
	}
	if !contains(promoted.trusted, first.current.certificate) {
		t.Error("the old one is forgotten while certificates of it may be in use")
	}
	l.now = l.now.Add(leafLifetime)
	if late, _ := l.step(false); contains(late.trusted, first.current.certificate) {
		t.Error("the old one is trusted although every certificate of it has expired")
	}
}

func TestAnAuthorityThatIsNotPublishedNeverSigns(t *testing.T) {
	l := &life{t: t, now: began}
	first, _ := l.step(false)
	state, _, _, err := decodeAuthorities(l.secret).advance("server", l.published, true, l.now)
	if err != nil {
		t.Fatal(err)
	}
	later := l.now.Add(100 * settle)
	state, changed, wake, err := state.advance("server", l.published, false, later)
	if err != nil || changed || !state.current.certificate.Equal(first.current.certificate) {
		t.Errorf("it signs although the APIService does not trust it: changed %t, %v", changed, err)
	}
	if !wake.After(later) {
		t.Error("it would be asked again and again")
	}
}

func TestAnAuthorityThatExpiredOrCannotBeReadIsReplacedAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(map[string][]byte)
		after  time.Duration
	}{
		"expired while nothing ran": {func(map[string][]byte) {}, authorityLifetime},
		"the key was cut":           {func(d map[string][]byte) { d[keyCurrentKey] = d[keyCurrentKey][:20] }, 0},
		"the key is that of another": {func(d map[string][]byte) {
			other, _ := newAuthority("x", began)
			_, d[keyCurrentKey], _ = other.encode()
		}, 0},
		"the Secret was emptied":      {func(d map[string][]byte) { clear(d) }, 0},
		"the certificate was emptied": {func(d map[string][]byte) { d[keyCurrentCert] = nil }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := &life{t: t, now: began}
			first, _ := l.step(false)
			c.damage(l.secret)
			state, changed, _, err := decodeAuthorities(l.secret).advance("server", l.published, false, l.now.Add(c.after))
			if err != nil || !changed || state.current.certificate.Equal(first.current.certificate) {
				t.Fatalf("changed %t, %v", changed, err)
			}
			if !contains(state.trusted, state.current.certificate) {
				t.Error("the new one is not trusted")
			}
		})
	}
}

func TestNothingIsWrittenAtRest(t *testing.T) {
	l := &life{t: t, now: began}
	l.step(false)
	if _, changed, _, err := decodeAuthorities(l.secret).advance("server", l.published, false, l.now.Add(time.Hour)); changed || err != nil {
		t.Errorf("changed %t, %v", changed, err)
	}
}

func TestTheSecretSurvivesBeingWrittenAndRead(t *testing.T) {
	l := &life{t: t, now: began}
	l.step(false)
	l.now = l.now.Add(time.Hour)
	state, _ := l.step(true)
	read := decodeAuthorities(l.secret)
	if !read.current.certificate.Equal(state.current.certificate) || read.next == nil || !read.next.certificate.Equal(state.next.certificate) ||
		!slices.EqualFunc(read.trusted, state.trusted, (*x509.Certificate).Equal) {
		t.Error("something is lost")
	}
}
