// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/test/standin/certs"
)

const certificatesValid = dittofsv1alpha1.ConditionCertificatesValid

// withTLS is a server with a certificate, and with nothing else that time changes.
func withTLS(s *dittofsv1alpha1.DittoServer) {
	s.Spec.ControlPlane.CertSecretName = "tls"
	s.Spec.AdapterServices.Type = corev1.ServiceTypeClusterIP
}

// leaf is a certificate for a span of time from now.
func (f *fixture) leaf(from, until time.Duration) map[string]string {
	return certs.NewAuthority(f.t).Leaf(func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = f.clock.Now().Add(from), f.clock.Now().Add(until)
	}, "files")
}

// renew puts another certificate into the Secret.
func (f *fixture) renew(name string, data map[string]string) {
	f.t.Helper()
	secret := get(f, &corev1.Secret{}, name)
	secret.StringData = data
	f.do(f.admin.Update(f.t.Context(), secret))
}

func (f *fixture) condition(conditionType string) *metav1.Condition {
	f.t.Helper()
	return meta.FindStatusCondition(f.server().Status.Conditions, conditionType)
}

const day = 24 * time.Hour

func TestACertificateIsFollowedFromItsBeginningToItsRenewal(t *testing.T) {
	f := newFixture(t, withTLS)
	f.secret("tls", f.leaf(-10*day, 80*day))
	end := utc(f.clock.Now().Add(80 * day))
	pod := f.up()
	f.wantCondition(certificatesValid, metav1.ConditionTrue, reasonCertificatesValid, "tls.crt of Secret tls", "controlPlane.certSecretName", end)
	if got := f.rec.CertificateEnds(f.key)[certificateServing]; utc(got) != end {
		t.Errorf("the metric says %s, want %s", got, end)
	}
	f.events.take()
	f.own.take()
	f.host.take()
	// At rest there is one pass, when the last tenth of its 90 days begins, and nothing is written before.
	if res := f.reconcile(); res.RequeueAfter != 71*day {
		t.Errorf("the next pass is after %s, want %s", res.RequeueAfter, 71*day)
	}
	f.clock.Step(71*day - time.Second)
	f.healthy(pod)
	if res := f.reconcile(); res.RequeueAfter != time.Second {
		t.Errorf("a second before, the next pass is after %s", res.RequeueAfter)
	}
	if writes := append(f.own.take(), f.host.take()...); len(writes) > 0 {
		t.Errorf("at rest there were writes: %q", writes)
	}

	f.clock.Step(time.Second)
	if res := f.reconcile(); res.RequeueAfter != 9*day {
		t.Errorf("the next pass is after %s, want %s", res.RequeueAfter, 9*day)
	}
	f.wantCondition(certificatesValid, metav1.ConditionTrue, reasonCertificateExpiresSoon, end, "has not been renewed", "tls.key")
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
	f.wantCondition(dittofsv1alpha1.ConditionDegraded, metav1.ConditionFalse, reasonNothingFailed)
	if events := f.events.take(); !hasPrefix(events, "Warning "+reasonCertificateExpiresSoon) {
		t.Errorf("there was no warning: %q", events)
	}
	f.own.take()
	f.reconcile()
	if writes := append(f.own.take(), f.host.take()...); len(writes) > 0 {
		t.Errorf("while it ends soon there were writes: %q", writes)
	}

	f.clock.Step(9 * day)
	if res := f.reconcile(); res.RequeueAfter != 0 {
		t.Errorf("the end calls another pass after %s", res.RequeueAfter)
	}
	for _, c := range []string{certificatesValid, dittofsv1alpha1.ConditionReady} {
		f.wantCondition(c, metav1.ConditionFalse, reasonCertificateExpired, "tls.crt of Secret tls", end)
	}
	f.wantCondition(dittofsv1alpha1.ConditionDegraded, metav1.ConditionTrue, reasonCertificateExpired)
	if phase := f.server().Status.Phase; phase != dittofsv1alpha1.PhaseFailed {
		t.Errorf("the phase is %s", phase)
	}
	events := f.events.take()
	if len(events) != 1 || !hasPrefix(events, "Warning "+reasonCertificateExpired) {
		t.Errorf("the events are %q", events)
	}

	f.renew("tls", f.leaf(-time.Hour, 90*day))
	f.reconcile()
	f.wantCondition(certificatesValid, metav1.ConditionTrue, reasonCertificatesValid, utc(f.clock.Now().Add(90*day)))
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
	if leaked := f.condition(certificatesValid).Message; strings.Contains(leaked, "BEGIN") {
		t.Error("the message holds what is in the Secret")
	}

	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.ControlPlane.CertSecretName = "" })
	f.reconcile()
	if c := f.condition(certificatesValid); c != nil {
		t.Errorf("without certificates there is %+v", c)
	}
	if got := f.rec.CertificateEnds(f.key); len(got) != 0 {
		t.Errorf("without certificates the metric has %v", got)
	}
}

func TestACertificateThatCertManagerRenewsInTimeIsNeverWarnedOf(t *testing.T) {
	for _, life := range []time.Duration{time.Hour, day, 90 * day, 365 * day, 3650 * day} {
		from := time.Now()
		until := from.Add(life)
		if renewed := from.Add(life * 2 / 3); !renewed.Before(nearOf(from, until)) {
			t.Errorf("one of %s is warned of before it is renewed", life)
		}
		if left := until.Sub(nearOf(from, until)); left > nearEnd {
			t.Errorf("one of %s is warned of for %s", life, left)
		}
	}
}

func TestOneThatIsNotValidYetIsWaitedFor(t *testing.T) {
	f := newFixture(t, withTLS)
	f.secret("tls", f.leaf(time.Hour, 90*day))
	f.reconcile()
	pod := f.runPod()
	f.healthy(pod)
	if res := f.reconcile(); res.RequeueAfter == 0 || res.RequeueAfter > time.Hour {
		t.Errorf("the next pass is after %s", res.RequeueAfter)
	}
	f.wantCondition(certificatesValid, metav1.ConditionFalse, reasonCertificateNotYetValid, utc(f.clock.Now().Add(time.Hour)))
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonCertificateNotYetValid)
	f.wantCondition(dittofsv1alpha1.ConditionDegraded, metav1.ConditionTrue, reasonCertificateNotYetValid)
	f.clock.Step(time.Hour)
	f.reconcile()
	f.wantCondition(certificatesValid, metav1.ConditionTrue, reasonCertificatesValid)
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
}

func TestABundleIsGoodWhileOneOfItsAuthoritiesIs(t *testing.T) {
	f := newFixture(t, withTLS, func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.ControlPlane.ClientCASecretName, s.Spec.ControlPlane.ClientCertSecretName = "callers", "ours"
	})
	f.secret("tls", f.leaf(-time.Hour, 900*day))
	ended, good := f.leaf(-10*day, -day)[corev1.TLSCertKey], f.leaf(-10*day, 90*day)[corev1.TLSCertKey]
	f.secret("callers", map[string]string{certs.CAKey: ended + good})
	f.reconcile()
	f.wantCondition(certificatesValid, metav1.ConditionTrue, reasonCertificatesValid, "ca.crt of Secret callers", utc(f.clock.Now().Add(90*day)))
	f.renew("callers", map[string]string{certs.CAKey: ended})
	f.reconcile()
	f.wantCondition(certificatesValid, metav1.ConditionFalse, reasonCertificateExpired, "ca.crt of Secret callers", "controlPlane.clientCASecretName")
	f.renew("callers", map[string]string{certs.CAKey: "no certificate"})
	f.reconcile()
	f.wantCondition(certificatesValid, metav1.ConditionTrue, reasonCertificatesValid, "Secret tls")
}

func TestTheCertificateThatTheProbeShowsIsToldAndKeptOverARestartOfTheController(t *testing.T) {
	f := newFixture(t, withTLS, func(s *dittofsv1alpha1.DittoServer) { s.Spec.ControlPlane.ClientCertSecretName = "ours" })
	f.secret("tls", f.leaf(-time.Hour, 900*day))
	pod := f.up()
	f.wantCondition(certificatesValid, metav1.ConditionTrue, reasonCertificatesValid, "Secret tls")
	shown := func() {
		seen, _ := f.seen.Get(f.key)
		seen.Client = dfsprobe.ClientCertificate{Secret: "ours", From: f.clock.Now().Add(-day), Until: f.clock.Now().Add(50 * day)}
		f.seen.Put(f.key, seen)
	}
	shown()
	f.reconcile()
	f.wantCondition(certificatesValid, metav1.ConditionTrue, reasonCertificatesValid, "tls.crt of Secret ours", utc(f.clock.Now().Add(50*day)))
	if got := f.rec.CertificateEnds(f.key); len(got) != 2 || !got[certificateClient].Equal(f.clock.Now().Add(50*day)) {
		t.Errorf("the metric has %v", got)
	}

	// Another controller, whose probe has not asked yet.
	f.seen.Forget(f.key)
	f.rec.ends, f.rec.hashes = certificateMemory{}, hashMemory{}
	before := f.server().Status
	f.reconcile()
	if now := f.condition(certificatesValid); now.Message != meta.FindStatusCondition(before.Conditions, certificatesValid).Message {
		t.Errorf("after a restart it says %q", now.Message)
	}
	f.healthy(pod)
	shown()
	f.reconcile()
	f.clock.Step(50 * day)
	f.reconcile()
	f.wantCondition(certificatesValid, metav1.ConditionFalse, reasonCertificateExpired, "Secret ours", "nothing restarts")
}

func TestWhatWasToldBeforeARestartOfTheControllerIsKeptUntilTheCertificateItIsAboutIsRead(t *testing.T) {
	const none, ended = time.Duration(0), -day
	span := func(f *fixture, until time.Duration) map[string]string { return f.leaf(-10*day, until) }
	for _, tc := range []struct {
		name            string
		serving, client time.Duration // until when they were good before the restart
		secret          string        // of the client's certificate
		paused          bool
		// renewed and shown are the certificates after it; none: the old one, and one that the probe cannot read.
		renewed, shown time.Duration
		want           string
		about          string
	}{
		{name: "the client's has ended and cannot be read", serving: 90 * day, client: ended, secret: "ours",
			want: reasonCertificateExpired, about: "Secret ours"},
		{name: "the client's has ended and is renewed", serving: 90 * day, client: ended, secret: "ours", shown: 50 * day,
			want: reasonCertificatesValid, about: "Secret ours"},
		{name: "the server's had ended and is renewed, the client's cannot be read", serving: ended, client: 50 * day, secret: "ours", renewed: 90 * day,
			want: reasonCertificatesValid, about: "Secret tls"},
		{name: "both are in one Secret, which had ended, and only the server's can be read", serving: ended, client: ended, secret: "tls", renewed: 90 * day,
			want: reasonCertificateExpired, about: "clientCertSecretName"},
		{name: "the server's has ended and nobody looks at it", serving: ended, client: 50 * day, secret: "ours", paused: true, shown: 50 * day,
			want: reasonCertificateExpired, about: "Secret tls"},
		{name: "both are good and the server's gets near its end", serving: 90 * day, client: 50 * day, secret: "ours", renewed: day,
			want: reasonCertificateExpiresSoon, about: "Secret tls"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t, withTLS, func(s *dittofsv1alpha1.DittoServer) { s.Spec.ControlPlane.ClientCertSecretName = tc.secret })
			f.secret("tls", span(f, 90*day))
			shows := func(until time.Duration) {
				seen, _ := f.seen.Get(f.key)
				seen.Client = dfsprobe.ClientCertificate{}
				if until != none {
					seen.Client = dfsprobe.ClientCertificate{Secret: tc.secret, From: f.clock.Now().Add(-10 * day), Until: f.clock.Now().Add(until)}
				}
				f.seen.Put(f.key, seen)
			}
			f.up()
			f.renew("tls", span(f, tc.serving))
			shows(tc.client)
			f.reconcile()
			if tc.paused {
				f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Paused = true })
				f.reconcile()
			}

			f.rec.ends, f.rec.hashes = certificateMemory{}, hashMemory{}
			shows(none)
			before := *f.condition(certificatesValid)
			f.reconcile()
			f.wantCondition(certificatesValid, before.Status, before.Reason)
			if tc.renewed != none {
				f.renew("tls", span(f, tc.renewed))
			}
			shows(tc.shown)
			f.reconcile()
			f.wantCondition(certificatesValid, f.condition(certificatesValid).Status, tc.want, tc.about)
		})
	}
}

func TestAPausedOrStoppedServerKeepsWhatIsKnownOfItsCertificates(t *testing.T) {
	f := newFixture(t, withTLS)
	f.secret("tls", f.leaf(-time.Hour, 90*day))
	f.up()
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Paused = true })
	f.reconcile()
	f.wantCondition(certificatesValid, metav1.ConditionTrue, reasonCertificatesValid)
	f.clock.Step(90 * day)
	f.reconcile()
	f.wantCondition(certificatesValid, metav1.ConditionFalse, reasonCertificateExpired)
	// One that has just begun with a paused server knows the status only.
	f.rec.ends = certificateMemory{}
	f.own.take()
	f.reconcile()
	if writes := f.own.take(); len(writes) > 0 {
		t.Errorf("there were writes: %q", writes)
	}
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Paused, s.Spec.Replicas = false, ptr.To[int32](0) })
	f.reconcile()
	f.wantCondition(certificatesValid, metav1.ConditionFalse, reasonCertificateExpired)
	if ready := f.condition(dittofsv1alpha1.ConditionReady); ready.Reason == reasonCertificateExpired {
		t.Errorf("a stopped server is %s", ready.Reason)
	}
}

func TestTheAuthorityOfADatabaseIsOneOfThem(t *testing.T) {
	f := newPercona(t)
	f.serves()
	// What the stand-in of the operator puts there is no certificate.
	if c := f.condition(certificatesValid); c != nil {
		t.Errorf("without certificates there is %+v", c)
	}
	f.renew(f.cluster+"-cluster-cert", map[string]string{certs.CAKey: f.leaf(-time.Hour, day)[corev1.TLSCertKey]})
	f.reconcile()
	f.wantCondition(certificatesValid, metav1.ConditionTrue, reasonCertificatesValid, "ca.crt of Secret "+f.cluster+"-cluster-cert")
	if got := f.rec.CertificateEnds(f.key); len(got) != 1 || !got[certificateDatabaseCA].Equal(f.clock.Now().Add(day)) {
		t.Errorf("the metric has %v", got)
	}
	f.clock.Step(day)
	f.reconcile()
	f.wantCondition(certificatesValid, metav1.ConditionFalse, reasonCertificateExpired, f.cluster+"-cluster-cert")
}
