// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/pflag"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
)

// Source writes a snapshot and returns its size in bytes.
type Source func(ctx context.Context, to io.Writer) (int64, error)

// FromEtcd is the member behind client.
func FromEtcd(client *clientv3.Client) Source {
	return func(ctx context.Context, to io.Writer) (int64, error) { return etcd.WriteSnapshot(ctx, client, to) }
}

// origin is the etcd that a command is about.
type origin struct {
	dataDir    string
	connection etcd.Connection
}

func (o *origin) addFlags(flags *pflag.FlagSet, settings Settings) {
	flags.StringVar(&o.dataDir, "data-dir", settings.DataDir, "Directory of the embedded etcd of a server that runs.")
	flags.StringSliceVar(&o.connection.Endpoints, "etcd-servers", nil, "URLs of an external etcd, instead of the embedded one.")
	flags.StringVar(&o.connection.CAFile, "etcd-cafile", "", "File with the certificate authority of the external etcd, PEM.")
	flags.StringVar(&o.connection.CertFile, "etcd-certfile", "", "File with the client certificate for it, PEM.")
	flags.StringVar(&o.connection.KeyFile, "etcd-keyfile", "", "File with the key of that certificate, PEM.")
}

// use runs f with a client of an etcd that has a quorum.
func (o *origin) use(ctx context.Context, f func(*clientv3.Client) error) error {
	return o.with(ctx, etcd.Connect, f)
}

// reach runs f with a client of an etcd of which a member answers.
func (o *origin) reach(ctx context.Context, f func(*clientv3.Client) error) error {
	return o.with(ctx, etcd.Dial, f)
}

func (o *origin) with(ctx context.Context, connect func(context.Context, etcd.Connection) (*clientv3.Client, error), f func(*clientv3.Client) error) (err error) {
	connection := o.connection
	if len(connection.Endpoints) == 0 {
		endpoint, err := etcd.Running(o.dataDir)
		if err != nil {
			return fmt.Errorf("%w; give the --data-dir of a server that runs, or --etcd-servers", err)
		}
		connection.Endpoints = []string{endpoint}
	}
	connecting, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	client, err := connect(connecting, connection)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return f(client)
}

// web is a dittofs-apiserver that is asked over HTTPS.
type web struct{ url, caFile, tokenFile string }

func (w *web) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&w.url, "server", "", "URL of a dittofs-apiserver to ask for the snapshot.")
	flags.StringVar(&w.caFile, "server-cafile", "", "File with the certificate authority of that server, PEM. Left out, that of the system is used.")
	flags.StringVar(&w.tokenFile, "token-file", "", "File with the bearer token for that server.")
}

func (w *web) source() (Source, error) {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if w.caFile != "" {
		pem, err := os.ReadFile(w.caFile)
		if err != nil {
			return nil, fmt.Errorf("--server-cafile: %w", err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--server-cafile %s: no certificate in it", w.caFile)
		}
	}
	var token string
	if w.tokenFile != "" {
		content, err := os.ReadFile(w.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("--token-file: %w", err)
		}
		token = strings.TrimSpace(string(content))
	}
	client := &http.Client{Transport: transport}
	return func(ctx context.Context, to io.Writer) (int64, error) { return download(ctx, client, w.url, token, to) }, nil
}
