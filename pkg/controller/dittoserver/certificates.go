// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"crypto/x509"
	"encoding/pem"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// certificate is when the certificates under one key of a Secret are good. It holds nothing of their content.
type certificate struct {
	name   string // of the label of the metric
	field  string // of the spec that leads to the Secret
	secret string
	key    string
	advice string // what a new one does
	from   time.Time
	until  time.Time
	soon   time.Time // from when on its end is near
}

// nearEnd is the longest time that a certificate is said to end soon.
const nearEnd = 14 * 24 * time.Hour

// nearOf is when the end of a certificate comes near: in the last tenth of its life. cert-manager renews after two thirds.
func nearOf(from, until time.Time) time.Time { return until.Add(-min(until.Sub(from)/10, nearEnd)) }

// Values of the label "certificate".
const (
	certificateServing    = "serving"
	certificateClientCA   = "client-ca"
	certificateClient     = "client"
	certificateDatabaseCA = "database-ca"
)

// certificateKinds are the start Secrets that hold certificates, by their purpose.
var certificateKinds = map[string]certificate{
	render.PurposeTLS: {name: certificateServing, field: "controlPlane.certSecretName", key: "tls.crt",
		advice: "Put a new one there with its tls.key: it is read without a restart."},
	render.PurposeClientCA: {name: certificateClientCA, field: "controlPlane.clientCASecretName", key: "ca.crt",
		advice: "Add a new authority there: the pod restarts with it."},
	render.PurposePostgresCA: {name: certificateDatabaseCA, field: "percona",
		advice: "Have PostgreSQL certified by a new authority and put that there: the pod restarts with it."},
}

// certificatesIn finds the certificate in a start Secret that was read. What is no certificate is not counted here: dfs
// does not start with it, and Available says so.
func certificatesIn(want render.StartSecret, values map[render.SecretKey][]byte) []certificate {
	c, holds := certificateKinds[want.Purpose]
	if !holds || len(want.Keys) == 0 {
		return nil
	}
	c.secret, c.key = want.Name, want.Keys[0]
	var found bool
	if c.from, c.until, found = span(values[render.SecretKey{Name: c.secret, Key: c.key}], want.Purpose != render.PurposeTLS); !found {
		return nil
	}
	c.soon = nearOf(c.from, c.until)
	return []certificate{c}
}

// span is when what is in PEM is good: of a chain its first certificate, of a bundle the one that ends last. A bundle holds
// old authorities while certificates of theirs are replaced, and those may end.
func span(chain []byte, bundle bool) (from, until time.Time, found bool) {
	for block, rest := pem.Decode(chain); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		switch {
		case err != nil && bundle:
			continue
		case err != nil:
			return from, until, false
		case !bundle:
			return cert.NotBefore, cert.NotAfter, true
		}
		if !found || cert.NotAfter.After(until) {
			until = cert.NotAfter
		}
		if !found || cert.NotBefore.Before(from) {
			from = cert.NotBefore
		}
		found = true
	}
	return from, until, found
}

// certificateMemory holds the certificates of servers as they were last read.
type certificateMemory struct{ table[knownCertificates] }

// knownCertificates are those of one server that have been read since this controller began.
type knownCertificates struct {
	list  []certificate
	start bool // that those in the start Secrets are among them
	// left is what the controller before this one has told, while it may be about a certificate that has not been read since.
	left verdict
}

// certificates are those of this server as they were last read. Nothing is read for them: the start Secrets have been, and
// ours is what the probe shows to dfs.
func (p *pass) certificates() knownCertificates {
	before, met := p.ends.get(p.key)
	known := knownCertificates{list: slices.Clone(p.startCertificates), start: p.startRead || before.start, left: before.left}
	if !p.startRead {
		// This pass did not get that far, as while the server is paused.
		known.list = slices.DeleteFunc(slices.Clone(before.list), func(c certificate) bool { return c.name == certificateClient })
	}
	all := known.start
	if name := p.clientSecret(); name != "" {
		at := slices.IndexFunc(before.list, func(c certificate) bool { return c.name == certificateClient && c.secret == name })
		switch {
		case p.dfs != nil && p.dfs.Client.Secret == name:
			known.list = append(known.list, certificate{
				name: certificateClient, field: "controlPlane.clientCertSecretName", secret: name, key: "tls.crt",
				advice: "Put a new one there with its tls.key: nothing restarts.",
				from:   p.dfs.Client.From, until: p.dfs.Client.Until, soon: nearOf(p.dfs.Client.From, p.dfs.Client.Until),
			})
		case at >= 0:
			known.list = append(known.list, before.list[at])
		default:
			all = false
		}
	}
	if stored := meta.FindStatusCondition(p.server.Status.Conditions, dittofsv1alpha1.ConditionCertificatesValid); !met && stored != nil {
		known.left = verdict{stored.Status, stored.Reason, stored.Message}
	}
	if told, has := worstOf(known.list, p.now); all || has && told == known.left {
		// All have been read, or those that it was about.
		known.left = verdict{}
	}
	p.ends.put(p.key, known)
	return known
}

// clientSecret is the Secret of the certificate that the probe shows; empty if it shows none.
func (p *pass) clientSecret() string {
	control := p.server.Spec.ControlPlane
	if p.Observations == nil || control.CertSecretName == "" || p.server.Spec.Replicas != nil && *p.server.Spec.Replicas == 0 {
		return ""
	}
	return control.ClientCertSecretName
}

// CertificateEnds tells when the certificates of a server end, as they were last read.
func (r *Reconciler) CertificateEnds(server types.NamespacedName) map[string]time.Time {
	known, _ := r.ends.get(server)
	if len(known.list) == 0 {
		return nil
	}
	out := make(map[string]time.Time, len(known.list))
	for _, c := range known.list {
		out[c.name] = c.until
	}
	return out
}
