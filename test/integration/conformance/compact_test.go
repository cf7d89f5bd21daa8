// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var advertised = regexp.MustCompile(`--advertise-client-urls=([^"]+)`)

// store is the address of the etcd of the kind.
func (s *session) store() string {
	s.t.Helper()
	if s.kind == dittoServer {
		return "unix://" + filepath.Join(cluster.Server.DataDir, "sockets", "client")
	}
	log, err := os.ReadFile(filepath.Join(cluster.Dir, "logs", "etcd.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	// A log has all runs: the last is this one.
	found := advertised.FindAllSubmatch(log, -1)
	if len(found) == 0 {
		s.t.Fatal("the log of etcd does not tell its address")
	}
	return string(found[len(found)-1][1])
}

// compact forgets all versions but the newest, as API servers do every few minutes.
func (s *session) compact() {
	s.t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{s.store()}, DialTimeout: 10 * time.Second})
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	now, err := client.Get(s.t.Context(), "/")
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := client.Compact(s.t.Context(), now.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
		s.t.Fatal(err)
	}
}

// forget makes kube-apiserver start anew, without the events in its memory. Ours has begun its memory after version 1.
func (s *session) forget() {
	s.t.Helper()
	if s.kind != dittoServer {
		if err := cluster.Plane.RestartAPIServer(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
	harness.Eventually(s.t, s.kind.name+"s are served again", func(context.Context) error {
		if a, _ := s.exchange(http.MethodGet, s.at("a"), nil); a.code != http.StatusOK {
			return fmt.Errorf("%d: %s", a.code, a.body)
		}
		return nil
	})
}
