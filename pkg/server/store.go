// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
)

// dialAny returns when one of the endpoints takes a connection. The client of
// etcd itself would try for as long as it may, with a warning for each try.
func dialAny(ctx context.Context, endpoints []string) error {
	var errs []error
	for _, endpoint := range endpoints {
		address, err := url.Parse(endpoint)
		if err != nil {
			return fmt.Errorf("--etcd-servers %s: %w", endpoint, err)
		}
		network, target := "tcp", address.Host
		if address.Scheme == "unix" || address.Scheme == "unixs" {
			network, target = "unix", address.Path
		}
		connection, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, target)
		if err == nil {
			return connection.Close()
		}
		errs = append(errs, err)
	}
	return fmt.Errorf("etcd at %s does not answer: %w", strings.Join(endpoints, ","), utilerrors.NewAggregate(errs))
}

// startEtcd starts the embedded etcd or reaches the external one.
func (s *Server) startEtcd(ctx context.Context) error {
	backend := &s.options.Etcd.StorageConfig.Transport
	if s.options.embedded() {
		embedded, err := etcd.Start(ctx, etcd.Config{DataDir: s.options.Store.DataDir, QuotaBytes: s.options.Store.QuotaBytes})
		if err != nil {
			return err
		}
		s.embedded = embedded
		backend.ServerList = []string{embedded.Endpoint()}
	}
	config := clientv3.Config{Endpoints: backend.ServerList, Context: context.WithoutCancel(ctx)}
	if backend.CertFile != "" || backend.KeyFile != "" || backend.TrustedCAFile != "" {
		tls, err := transport.TLSInfo{
			CertFile: backend.CertFile, KeyFile: backend.KeyFile, TrustedCAFile: backend.TrustedCAFile,
		}.ClientConfig()
		if err != nil {
			return fmt.Errorf("--etcd-certfile, --etcd-keyfile, --etcd-cafile: %w", err)
		}
		config.TLS = tls
	}
	if err := dialAny(ctx, backend.ServerList); err != nil {
		return err
	}
	client, err := clientv3.New(config)
	if err != nil {
		return fmt.Errorf("client of etcd at %s: %w", strings.Join(backend.ServerList, ","), err)
	}
	s.etcdClient = client
	// A linearizable read tells an etcd without quorum from one that serves.
	if _, err := client.Get(ctx, "/", clientv3.WithCountOnly()); err != nil {
		return fmt.Errorf("etcd at %s does not answer: %w", strings.Join(backend.ServerList, ","), err)
	}
	return nil
}
