// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/client/pkg/v3/types"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// RevisionBump is what a restore adds to the revision of a store: more than any store writes between a snapshot and its
// loss, so that nobody who watched the lost one is told that nothing has happened since. It is the figure of etcd's own
// documentation.
const RevisionBump = 1_000_000_000

// WriteSnapshot writes what the member behind client holds, in the format of etcdctl snapshot save: the database with its
// SHA-256 at the end. It returns the number of bytes. A stream that breaks off is an error, and has no checksum.
func WriteSnapshot(ctx context.Context, client *clientv3.Client, to io.Writer) (int64, error) {
	response, err := client.SnapshotWithVersion(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask etcd for a snapshot: %w", err)
	}
	size, err := io.Copy(to, response.Snapshot)
	err = errors.Join(err, response.Snapshot.Close())
	if err != nil {
		return size, fmt.Errorf("read the snapshot: %w", err)
	}
	if !complete(size) {
		return size, fmt.Errorf("read the snapshot: it broke off after %d bytes", size)
	}
	return size, nil
}

// complete says whether a file of a snapshot can have its checksum: pages of the database are multiples of 512 bytes.
func complete(size int64) bool { return size%512 == sha256.Size }

// SaveSnapshot makes a file of a snapshot. The file appears whole or not at all, and replaces none.
func SaveSnapshot(file string, write func(io.Writer) (int64, error)) (size int64, err error) {
	if _, err := os.Stat(file); err == nil {
		return 0, fmt.Errorf("the file %s exists; a snapshot replaces none", file)
	}
	part, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*.part")
	if err != nil {
		return 0, fmt.Errorf("create the snapshot: %w", err)
	}
	defer func() {
		if err != nil {
			_ = part.Close() // what failed first is the error to return
			_ = os.Remove(part.Name())
		}
	}()
	if size, err = write(part); err != nil {
		return size, err
	}
	if !complete(size) {
		return size, fmt.Errorf("the snapshot broke off after %d bytes", size)
	}
	if err := part.Sync(); err != nil {
		return size, fmt.Errorf("write the snapshot: %w", err)
	}
	if err := part.Close(); err != nil {
		return size, fmt.Errorf("write the snapshot: %w", err)
	}
	// A link, unlike a rename, replaces no file that somebody made meanwhile.
	if err := os.Link(part.Name(), file); err != nil {
		return size, fmt.Errorf("name the snapshot: %w", err)
	}
	return size, os.Remove(part.Name())
}

// Membership is what a member of a cluster is told at its first start, as by the flags of etcd of the same names.
type Membership struct{ Name, InitialCluster, Token string }

// Unpack makes the store of a snapshot in a data directory that has none, for Start. bump is added to its revision, and
// everything up to there counts as compacted, so that watches begin anew; 0 leaves the revision as it is. The checksum of
// the snapshot is verified.
func Unpack(file, dataDir string, bump uint64) error {
	// Any URL will do: a member of one asks nobody, and Start gives it its own.
	alone := Membership{Name: memberName, InitialCluster: memberName + "=unix://" + filepath.Join(dataDir, "peer"), Token: "etcd-cluster"}
	return unpack(file, filepath.Join(dataDir, DatabaseDir), alone, bump)
}

// UnpackMember makes the data directory of one member of a cluster, as etcd itself has it, of a snapshot.
func UnpackMember(file, target string, member Membership) error {
	return unpack(file, target, member, 0)
}

func unpack(file, target string, member Membership, bump uint64) error {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return fmt.Errorf("the snapshot: %w", err)
	case !info.Mode().IsRegular() || !complete(info.Size()):
		return fmt.Errorf("%s is no whole snapshot: it has no checksum at its end", file)
	}
	if entries, err := os.ReadDir(target); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s holds a store; a restore replaces none", target)
	}
	cluster, err := types.NewURLsMap(member.InitialCluster)
	if err != nil {
		return fmt.Errorf("the cluster %q: %w", member.InitialCluster, err)
	}
	peers, ok := cluster[member.Name]
	if !ok {
		return fmt.Errorf("the cluster %q has no member %q", member.InitialCluster, member.Name)
	}
	err = snapshot.NewV3(zap.NewNop()).Restore(snapshot.RestoreConfig{
		SnapshotPath: file, OutputDataDir: target,
		Name: member.Name, PeerURLs: peers.StringSlice(), InitialCluster: member.InitialCluster, InitialClusterToken: member.Token,
		RevisionBump: bump, MarkCompacted: bump > 0,
	})
	if err != nil {
		return errors.Join(fmt.Errorf("restore %s: %w", file, err), os.RemoveAll(target))
	}
	return nil
}

// InUse tells whether an etcd has a data directory of its own open, by the lock that it holds on its database.
func InUse(dir string) (bool, error) {
	file, err := os.OpenFile(filepath.Join(dir, "member", "snap", "db"), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the database in %s: %w", dir, err)
	}
	defer file.Close()
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err != nil && !errors.Is(err, unix.EWOULDBLOCK) {
		return false, fmt.Errorf("look at the lock of the database in %s: %w", dir, err)
	}
	return err != nil, nil
}
