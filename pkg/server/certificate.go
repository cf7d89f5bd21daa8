// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/servingcert"
)

// CertificateOptions let the server certify itself.
type CertificateOptions struct {
	// AuthoritySecret has the authority; empty means that certificates come from files.
	AuthoritySecret string
	// Service is the name that kube-apiserver verifies.
	Service string
}

func (o *CertificateOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.AuthoritySecret, "authority-secret", o.AuthoritySecret,
		"Secret in --namespace with a certificate authority that this server keeps and all replicas share. The serving certificate is then issued in memory, and the caBundle of the APIService kept right, instead of --tls-cert-file. The Secret must exist, and may be empty.")
	flags.StringVar(&o.Service, "service-name", o.Service,
		"Service in --namespace that leads to this server, for certificates of --authority-secret.")
}

func (o *Options) validateCertificate() error {
	cert := o.SecureServing.ServerCert.CertKey
	files := cert.CertFile != "" || cert.KeyFile != ""
	switch {
	case o.Certificate.AuthoritySecret != "" && files:
		return errors.New("--authority-secret excludes --tls-cert-file and --tls-private-key-file")
	case o.Certificate.AuthoritySecret != "" && o.Certificate.Service == "":
		return errors.New("--service-name must not be empty with --authority-secret")
	case o.Certificate.AuthoritySecret == "" && (cert.CertFile == "" || cert.KeyFile == ""):
		return errors.New("--tls-cert-file and --tls-private-key-file are required, or --authority-secret: the aggregator verifies the certificate by the caBundle of the APIService")
	}
	return nil
}

// chooseCertificate checks the files, or hands the listener a source that prepareCertificate fills: the port is taken
// before the host cluster is asked for anything.
func (s *Server) chooseCertificate() error {
	serving := &s.options.SecureServing.ServerCert
	if s.options.Certificate.AuthoritySecret != "" {
		s.certificate = &servingcert.Source{}
		serving.GeneratedCert = s.certificate
		return nil
	}
	// The library's errors name no flag.
	if _, err := tls.LoadX509KeyPair(serving.CertKey.CertFile, serving.CertKey.KeyFile); err != nil {
		return fmt.Errorf("--tls-cert-file %s, --tls-private-key-file %s: %w", serving.CertKey.CertFile, serving.CertKey.KeyFile, err)
	}
	return nil
}

// prepareCertificate makes sure that there is a certificate before anything is served.
func (s *Server) prepareCertificate(ctx context.Context) error {
	if s.certificate == nil {
		return nil
	}
	s.keeper = servingcert.NewKeeper(servingcert.Config{
		Host: s.host.client, Dynamic: s.host.dynamic,
		Namespace: s.options.Host.Namespace, Service: s.options.Certificate.Service, Secret: s.options.Certificate.AuthoritySecret,
		APIService: dittofsv1alpha1.SchemeGroupVersion.Version + "." + dittofsv1alpha1.SchemeGroupVersion.Group,
	}, s.certificate)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return s.keeper.Prepare(ctx)
}
