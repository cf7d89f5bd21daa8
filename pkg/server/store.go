// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"strings"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
)

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
