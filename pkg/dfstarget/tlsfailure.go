// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfstarget

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

// describeTLS says which certificate is at fault, and what to do.
func describeTLS(err error, t TLS) string {
	var (
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	switch {
	case dfs.IsPlaintext(err):
		return "it answers without TLS: its pod is to be replaced by one of the current template"
	case errors.As(err, &host):
		return fmt.Sprintf("the certificate is for %s, not for %s: add that name to it, or set spec.controlPlane.tlsServerName",
			namesOf(host.Certificate), host.Host)
	case errors.As(err, &unknown) && t.CertSecret == "":
		return "the certificate is not signed by an authority that this system knows"
	case errors.As(err, &unknown):
		return fmt.Sprintf("the certificate that it shows is not signed by the %s of Secret %s, nor, if there is none, by an authority "+
			"that this system knows: a renewed certificate is served within two minutes, else correct %s", caKey, t.CertSecret, caKey)
	case errors.As(err, &invalid):
		return describeInvalid(invalid)
	}
	if alert := dfs.TLSAlert(err); alert != "" {
		return describeAlert(strings.TrimPrefix(alert, "tls: "), t)
	}
	return "TLS failed"
}

func describeInvalid(err x509.CertificateInvalidError) string {
	switch err.Reason {
	case x509.Expired:
		// The library says expired of a certificate from the future too.
		return fmt.Sprintf("the certificate is good from %s to %s only", day(err.Cert.NotBefore), day(err.Cert.NotAfter))
	case x509.IncompatibleUsage:
		return "the certificate is not one of a server (extended key usage serverAuth)"
	default:
		return "the certificate is not valid: " + strings.TrimPrefix(err.Error(), "x509: ")
	}
}

// clientAlerts are those by which a server refuses a client's certificate.
var clientAlerts = []string{
	"bad certificate", "unsupported certificate", "revoked certificate", "expired certificate", "unknown certificate",
	"unknown certificate authority", "access denied", "certificate required",
}

func describeAlert(alert string, t TLS) string {
	switch {
	case !slices.Contains(clientAlerts, alert):
		return fmt.Sprintf("it broke TLS off (%s)", alert)
	case t.ClientSecret == "":
		return fmt.Sprintf("it demands a client certificate (%s): set spec.controlPlane.clientCertSecretName", alert)
	default:
		return fmt.Sprintf("it refuses the client certificate of Secret %s (%s): it must be for clientAuth, valid, and signed by the %s "+
			"of the client CA that the server started with", t.ClientSecret, alert, caKey)
	}
}

func day(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func namesOf(cert *x509.Certificate) string {
	names := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	const most = 5
	switch {
	case len(names) == 0:
		return "no name at all (subjectAltName is empty; a common name is not looked at)"
	case len(names) > most:
		names = append(names[:most], "...")
	}
	return strings.Join(names, ", ")
}
