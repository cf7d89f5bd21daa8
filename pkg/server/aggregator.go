// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/client-go/rest"
)

// aggregatorKnown is a check of readyz: it is red until the listener asks
// callers for a certificate of the CA that vouches for the aggregator, and green
// for good from then on.
//
// The library loads that CA from an informer, and hands it to the listener
// through a queue, after the listener has opened. A server that is ready before
// takes the aggregator for an anonymous stranger and answers 403.
func aggregatorKnown(loopback *rest.Config, ca dynamiccertificates.CAContentProvider) healthz.HealthChecker {
	var known atomic.Bool
	return healthz.NamedCheck("aggregator-known", func(request *http.Request) error {
		if !known.Load() && !asksForCertificateOf(request.Context(), loopback, ca.CurrentCABundleContent()) {
			return errors.New("the certificate authority of the aggregator is not loaded yet")
		}
		known.Store(true)
		return nil
	})
}

// asksForCertificateOf tells whether the listener names every CA of the bundle
// in its request for a client certificate. A client written in Go sends none to
// a server that does not name the certificate's CA.
func asksForCertificateOf(ctx context.Context, loopback *rest.Config, bundle []byte) bool {
	wanted := subjects(bundle)
	if len(wanted) == 0 {
		return false
	}
	config, err := rest.TLSConfigFor(loopback)
	if err != nil {
		return false
	}
	var accepted [][]byte
	config.GetClientCertificate = func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		accepted = request.AcceptableCAs
		return &tls.Certificate{}, nil
	}
	connection, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", strings.TrimPrefix(loopback.Host, "https://"))
	if err != nil {
		return false
	}
	_ = connection.Close()
	return !slices.ContainsFunc(wanted, func(subject []byte) bool {
		return !slices.ContainsFunc(accepted, func(name []byte) bool { return bytes.Equal(name, subject) })
	})
}

func subjects(bundle []byte) [][]byte {
	var found [][]byte
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil {
			found = append(found, certificate.RawSubject)
		}
	}
	return found
}
