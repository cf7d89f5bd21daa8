// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
)

// Connection leads to an etcd. The files are PEM; all three are empty for an etcd without TLS.
type Connection struct {
	Endpoints []string
	CertFile  string
	KeyFile   string
	CAFile    string
}

// Dial returns a client once one of the endpoints takes a connection, which also a member without a quorum does. ctx ends the
// attempt, not the client. The client of etcd itself would try for as long as it may, with a warning for each try.
func Dial(ctx context.Context, connection Connection) (*clientv3.Client, error) {
	config, err := connection.config(ctx)
	if err != nil {
		return nil, err
	}
	if err := dialAny(ctx, connection.Endpoints); err != nil {
		return nil, err
	}
	client, err := clientv3.New(config)
	if err != nil {
		return nil, fmt.Errorf("client of etcd at %s: %w", strings.Join(connection.Endpoints, ","), err)
	}
	return client, nil
}

// Connect is Dial that also waits until a quorum answers.
func Connect(ctx context.Context, connection Connection) (*clientv3.Client, error) {
	client, err := Dial(ctx, connection)
	if err != nil {
		return nil, err
	}
	// A linearizable read tells an etcd without quorum from one that serves.
	if _, err := client.Get(ctx, "/", clientv3.WithCountOnly()); err != nil {
		_ = client.Close() // what failed first is the error to return
		return nil, fmt.Errorf("etcd at %s does not answer: %w", strings.Join(connection.Endpoints, ","), err)
	}
	return client, nil
}

func (c Connection) config(ctx context.Context) (clientv3.Config, error) {
	config := clientv3.Config{Endpoints: c.Endpoints, Context: context.WithoutCancel(ctx), Logger: zap.NewNop()}
	if c.CertFile == "" && c.KeyFile == "" && c.CAFile == "" {
		return config, nil
	}
	tls, err := transport.TLSInfo{CertFile: c.CertFile, KeyFile: c.KeyFile, TrustedCAFile: c.CAFile}.ClientConfig()
	if err != nil {
		return config, fmt.Errorf("certificates for etcd (%s, %s, %s): %w", c.CertFile, c.KeyFile, c.CAFile, err)
	}
	config.TLS = tls
	return config, nil
}

func dialAny(ctx context.Context, endpoints []string) error {
	var errs []error
	for _, endpoint := range endpoints {
		address, err := url.Parse(endpoint)
		if err != nil {
			return fmt.Errorf("the endpoint %s: %w", endpoint, err)
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
