// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
	"github.com/dittofs/dittofs-apiserver/test/controlplane"
)

// A recording is what an upgrade finds: our store, and of the store of the host cluster what is not made anew by whoever
// starts one. Values are as etcd has them, so that UIDs, managed fields and encodings are those of then.
const (
	recordedHost  = "host.jsonl.gz"
	recordedStore = "store.db.gz"
)

// notRecorded are keys of the host cluster that every cluster makes for itself, or that are of that moment only.
var notRecorded = []string{
	"events/", "leases/", "masterleases/", "flowschemas/", "prioritylevelconfigurations/", "apiregistration.k8s.io/",
	"clusterroles/", "clusterrolebindings/", "roles/", "rolebindings/", "priorityclasses/", "csinodes/", "health",
	"configmaps/kube-system/", "endpointslices/", "services/endpoints/",
}

// recordedKey is one line.
type recordedKey struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

// Record writes the cluster and our store, which must be stopped, into a directory.
func (c *Cluster) Record(ctx context.Context, dir string) error {
	if c.Server.Running() {
		return errors.New("stop the server first: its store is recorded whole")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := recordHost(ctx, c.Plane.EtcdURL(), filepath.Join(dir, recordedHost)); err != nil {
		return fmt.Errorf("record the host cluster: %w", err)
	}
	if err := recordStore(ctx, c.Server.DataDir, filepath.Join(dir, recordedStore)); err != nil {
		return fmt.Errorf("record the store: %w", err)
	}
	return nil
}

func recordHost(ctx context.Context, url, file string) error {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{url}, Logger: zap.NewNop()})
	if err != nil {
		return err
	}
	defer client.Close()
	const root = "/registry/"
	found, err := client.Get(ctx, root, clientv3.WithPrefix(), clientv3.WithSort(clientv3.SortByKey, clientv3.SortAscend))
	if err != nil {
		return err
	}
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for _, kv := range found.Kvs {
		key := string(kv.Key)
		if skipped(strings.TrimPrefix(key, root)) {
			continue
		}
		if err := encoder.Encode(recordedKey{Key: key, Value: kv.Value}); err != nil {
			return err
		}
	}
	return pack(file, &lines)
}

func skipped(key string) bool {
	for _, prefix := range notRecorded {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return strings.HasSuffix(key, "/kube-root-ca.crt")
}

// recordStore keeps the revision, by which a server knows its own store, and no history.
func recordStore(ctx context.Context, dataDir, file string) (err error) {
	store, err := etcd.Start(ctx, etcd.Config{DataDir: dataDir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	client, err := etcd.Connect(ctx, etcd.Connection{Endpoints: []string{store.Endpoint()}})
	if err != nil {
		return err
	}
	defer client.Close()
	now, err := client.Get(ctx, "/", clientv3.WithLimit(1))
	if err != nil {
		return err
	}
	if _, err := client.Compact(ctx, now.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
		return err
	}
	if err := etcd.Defragment(ctx, client, func(etcd.Member, etcd.Member) {}); err != nil {
		return err
	}
	var snapshot bytes.Buffer
	if _, err := etcd.WriteSnapshot(ctx, client, &snapshot); err != nil {
		return err
	}
	return pack(file, bytes.NewReader(withoutPath(snapshot.Bytes(), dataDir)))
}

// withoutPath takes the directory out of a snapshot, in which it is the address of the one member: a restore writes its own.
// The database has no checksum but the one at the end of the file.
func withoutPath(snapshot []byte, dataDir string) []byte {
	database := bytes.ReplaceAll(snapshot[:len(snapshot)-sha256.Size], []byte(dataDir), []byte("/"+strings.Repeat("x", len(dataDir)-1)))
	sum := sha256.Sum256(database)
	return append(database, sum[:]...)
}

// seed puts the recorded keys into the etcd of a new cluster. It is nil without a recording.
func (o Options) seed() func(ctx context.Context, url string) error {
	if o.Recording == "" {
		return nil
	}
	return func(ctx context.Context, url string) error {
		lines, err := unpack(filepath.Join(o.Recording, recordedHost))
		if err != nil {
			return err
		}
		client, err := clientv3.New(clientv3.Config{Endpoints: []string{url}, Logger: zap.NewNop()})
		if err != nil {
			return err
		}
		defer client.Close()
		for scanner := bufio.NewReader(bytes.NewReader(lines)); ; {
			line, err := scanner.ReadBytes('\n')
			if err == io.EOF {
				return nil
			}
			var kv recordedKey
			if err := errors.Join(err, json.Unmarshal(line, &kv)); err != nil {
				return err
			}
			if _, err := client.Put(ctx, kv.Key, string(kv.Value)); err != nil {
				return err
			}
		}
	}
}

// layStore puts the recorded store where our server will look for it.
func (c *Cluster) layStore() error {
	snapshot, err := unpack(filepath.Join(c.options.Recording, recordedStore))
	if err != nil {
		return err
	}
	file := filepath.Join(controlplane.StateDir(c.Dir), "store.db")
	if err := os.WriteFile(file, snapshot, 0o600); err != nil {
		return err
	}
	return errors.Join(etcd.Unpack(file, c.dataDir(), 0), os.Remove(file))
}

func (c *Cluster) dataDir() string { return filepath.Join(controlplane.StateDir(c.Dir), "dittofs") }

func pack(file string, content io.Reader) error {
	var packed bytes.Buffer
	writer, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := io.Copy(writer, content); err != nil {
		return err
	}
	if err := writer.Close(); err != nil {
		return err
	}
	return os.WriteFile(file, packed.Bytes(), 0o644)
}

func unpack(file string) ([]byte, error) {
	packed, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer packed.Close()
	reader, err := gzip.NewReader(packed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return io.ReadAll(reader)
}
