// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

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
	client, err := etcd.Connect(ctx, etcd.Connection{
		Endpoints: backend.ServerList, CertFile: backend.CertFile, KeyFile: backend.KeyFile, CAFile: backend.TrustedCAFile,
	})
	if err != nil {
		return err
	}
	s.etcdClient = client
	return nil
}
