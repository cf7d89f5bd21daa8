// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/cert"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// rotateAuthority asks for a new authority and waits until it signs what our pod shows. Nobody fails.
func (s *suite) rotateAuthority(ctx context.Context) (string, error) {
	failed := s.writer.mark()
	if _, _, err := s.replaceAuthority(ctx, "new authority"); err != nil {
		return "", err
	}
	return s.writer.seen(failed), s.noneFailed(failed)
}

// stolenAuthority wants an authority to be distrusted at once, which may cost writes.
func (s *suite) stolenAuthority(ctx context.Context) (string, error) {
	stolen, err := s.trusted(ctx)
	if err != nil {
		return "", err
	}
	failed, began := s.writer.mark(), time.Now()
	runbook, shown, err := s.replaceAuthority(ctx, "stolen authority")
	if err != nil {
		return "", err
	}
	took := time.Since(began)
	if err := runbook.await(ctx, "stolen authority: over"); err != nil {
		return "", err
	}
	trusted, err := s.trusted(ctx)
	if err != nil {
		return "", err
	}
	if len(trusted) != 1 || shown.CheckSignatureFrom(trusted[0]) != nil {
		return "", fmt.Errorf("the caBundle has %d authorities, want only that of the certificate", len(trusted))
	}
	for _, former := range stolen {
		if former.Equal(trusted[0]) {
			return "", errors.New("the stolen authority is trusted")
		}
	}
	return fmt.Sprintf("distrusted after %.1f s; %s", took.Seconds(), s.writer.seen(failed)), nil
}

// replaceAuthority follows a part of the runbook and waits until another authority signs what our pod shows, which goes on.
func (s *suite) replaceAuthority(ctx context.Context, part string) (*guide, *x509.Certificate, error) {
	pod, err := s.serverPod(ctx)
	if err != nil {
		return nil, nil, err
	}
	before, err := s.shown(ctx, pod)
	if err != nil {
		return nil, nil, err
	}
	runbook, err := s.open("runbooks.md", s.installed)
	if err != nil {
		return nil, nil, err
	}
	if err := runbook.follow(ctx, part); err != nil {
		return nil, nil, err
	}
	var now *x509.Certificate
	if err := eventually(ctx, func(ctx context.Context) (err error) {
		if now, err = s.shown(ctx, pod); err == nil && now.Issuer.CommonName == before.Issuer.CommonName {
			err = errors.New("the certificate is still of the old authority")
		}
		return err
	}); err != nil {
		return nil, nil, err
	}
	if err := s.writes(ctx); err != nil {
		return nil, nil, err
	}
	after, err := s.serverPod(ctx)
	if err != nil {
		return nil, nil, err
	}
	if after.UID != pod.UID || restarts(after) != restarts(pod) {
		return nil, nil, errors.New("our pod was restarted")
	}
	return runbook, now, nil
}

// shown is the certificate that our pod shows, verified as the aggregator does.
func (s *suite) shown(ctx context.Context, pod *corev1.Pod) (*x509.Certificate, error) {
	bundle, err := s.caBundle(ctx)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: serverName + "." + systemNamespace + ".svc", MinVersion: tls.VersionTLS12}}
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(pod.Status.PodIP, "10250"))
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	return connection.(*tls.Conn).ConnectionState().PeerCertificates[0], nil
}

func (s *suite) caBundle(ctx context.Context) ([]byte, error) {
	service := &unstructured.Unstructured{}
	service.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiregistration.k8s.io", Version: "v1", Kind: "APIService"})
	if err := s.plane.Client().Get(ctx, client.ObjectKey{Name: "v1alpha1.dittofs.io"}, service); err != nil {
		return nil, err
	}
	return decodeBundle(service)
}

// trusted are the authorities in the caBundle.
func (s *suite) trusted(ctx context.Context) ([]*x509.Certificate, error) {
	bundle, err := s.caBundle(ctx)
	if err != nil {
		return nil, err
	}
	return cert.ParseCertsPEM(bundle)
}

func decodeBundle(service *unstructured.Unstructured) ([]byte, error) {
	encoded, _, err := unstructured.NestedString(service.Object, "spec", "caBundle")
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(encoded)
}
