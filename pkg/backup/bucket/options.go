// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/minio/minio-go/v7"
	"github.com/spf13/pflag"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// Options say how the service is reached. What is empty is taken from the environment, by the names that the tools of AWS use.
type Options struct{ Endpoint, Region, CAFile, Addressing string }

const defaultEndpoint = "https://s3.amazonaws.com"

var addressing = map[string]minio.BucketLookupType{
	"": minio.BucketLookupAuto, "auto": minio.BucketLookupAuto, "path": minio.BucketLookupPath, "virtual": minio.BucketLookupDNS,
}

// AddFlags adds the flags. None is for credentials: whoever lists processes sees flags.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.Endpoint, "s3-endpoint", o.Endpoint,
		"URL of the service for s3:// places. Left out, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or Amazon. Credentials are found as by the tools of AWS: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the token of a ServiceAccount (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN), ~/.aws, or the role of the machine.")
	flags.StringVar(&o.Region, "s3-region", o.Region, "Its region. Left out, AWS_REGION or AWS_DEFAULT_REGION, or the service is asked where the bucket is.")
	flags.StringVar(&o.CAFile, "s3-cafile", o.CAFile,
		"File with the certificate authority of the service, PEM. Left out, AWS_CA_BUNDLE, or the authorities of the system, or those of Mozilla where the system has none.")
	flags.StringVar(&o.Addressing, "s3-addressing", o.Addressing,
		"Where a request has the bucket: path, virtual (in the name of the host), or auto, which is virtual for Amazon and path for others.")
}

func firstOf(given string, variables ...string) string {
	for _, name := range variables {
		if given == "" {
			given = os.Getenv(name)
		}
	}
	return given
}

// Open makes a client, and asks nobody yet.
func (o Options) Open(name string) (*Bucket, error) {
	endpoint := firstOf(o.Endpoint, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
	if endpoint == "" {
		endpoint = defaultEndpoint
	}
	address, err := url.Parse(endpoint)
	switch {
	case err != nil || address.User != nil:
		return nil, fmt.Errorf("--s3-endpoint or AWS_ENDPOINT_URL: must be the URL of a service, without credentials, such as https://minio.example.com:9000")
	case address.Scheme != "https" && address.Scheme != "http", address.Host == "", address.Path != "" && address.Path != "/":
		return nil, fmt.Errorf("--s3-endpoint or AWS_ENDPOINT_URL is %q: must be https://HOST or https://HOST:PORT, without a bucket", endpoint)
	}
	lookup, ok := addressing[o.Addressing]
	if !ok {
		return nil, fmt.Errorf("--s3-addressing=%s: must be auto, path or virtual", o.Addressing)
	}
	transport, err := o.transport()
	if err != nil {
		return nil, err
	}
	region := firstOf(o.Region, "AWS_REGION", "AWS_DEFAULT_REGION")
	found := newCredentials(region)
	client, err := minio.NewCore(address.Host, &minio.Options{
		Creds: found, Secure: address.Scheme == "https", Transport: transport, BucketLookup: lookup, MaxRetries: attempts,
		Region: region,
	})
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", endpoint, err)
	}
	return &Bucket{name, endpoint, *client, found, &http.Client{Transport: transport, Timeout: askLimit}}, nil
}

func (o Options) transport() (*http.Transport, error) {
	transport, err := minio.DefaultTransport(true)
	if err != nil {
		return nil, err
	}
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	file := firstOf(o.CAFile, "AWS_CA_BUNDLE")
	if file == "" {
		transport.TLSClientConfig.RootCAs, err = publicAuthorities()
		return transport, err
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--s3-cafile or AWS_CA_BUNDLE: %w", err)
	}
	transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--s3-cafile or AWS_CA_BUNDLE %s: no certificate in it", file)
	}
	return transport, nil
}

// publicAuthorities are those of the system. Our image has none; then, and for buckets only, they are those in the program.
func publicAuthorities() (*x509.CertPool, error) {
	if pool, err := x509.SystemCertPool(); err == nil && !pool.Equal(x509.NewCertPool()) {
		return pool, nil
	}
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		certificate, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			return nil, fmt.Errorf("the public authorities in this program: %w", err)
		}
		if root.Constraint == nil {
			pool.AddCert(certificate)
		} else {
			pool.AddCertWithConstraint(certificate, root.Constraint)
		}
	}
	return pool, nil
}
