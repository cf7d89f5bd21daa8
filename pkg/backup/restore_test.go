// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
	"github.com/dittofs/dittofs-apiserver/pkg/storeidentity"
)

var layout = Layout{Prefix: "/registry", Group: "dittofs.io"}

const server = "/registry/dittofs.io/dittoservers/tenant/"

// store is an embedded etcd that runs, with an identity and some objects.
func store(t *testing.T, dir string, names ...string) (*clientv3.Client, func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	e, err := etcd.Start(ctx, etcd.Config{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	client, err := etcd.Connect(ctx, etcd.Connection{Endpoints: []string{e.Endpoint()}})
	if err != nil {
		t.Fatal(err)
	}
	stop := func() {
		_ = client.Close()
		_ = e.Close()
	}
	t.Cleanup(stop)
	if len(names) > 0 {
		if _, err := storeidentity.Renew(t.Context(), client, layout.Prefix, layout.Group); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		if _, err := client.Put(t.Context(), server+name, name); err != nil {
			t.Fatal(err)
		}
	}
	return client, stop
}

func save(t *testing.T, client *clientv3.Client) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "snapshot.db")
	if _, err := etcd.SaveSnapshot(file, func(w io.Writer) (int64, error) { return etcd.WriteSnapshot(t.Context(), client, w) }); err != nil {
		t.Fatal(err)
	}
	return file
}

func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		found = append(found, e.Name())
	}
	if strings.Join(found, " ") != strings.Join(names, " ") {
		t.Errorf("%s has %q, want %q", dir, found, names)
	}
}

func TestARestoredStoreHasWhatWasThereAndIsAStoreOfItsOwn(t *testing.T) {
	client, stop := store(t, t.TempDir(), "a", "b")
	before, err := look(t.Context(), client, layout)
	if err != nil {
		t.Fatal(err)
	}
	file := save(t, client)
	if _, err := client.Put(t.Context(), server+"later", "later"); err != nil {
		t.Fatal(err)
	}
	stop()

	dir := t.TempDir()
	said, err := Restore(t.Context(), file, dir, "", layout)
	if err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir, etcd.DatabaseDir, "lock")
	restored, _ := store(t, dir)
	after, err := look(t.Context(), restored, layout)
	if err != nil {
		t.Fatal(err)
	}
	if after.Store != said.Store || after.Objects["dittoservers"] != 2 {
		t.Errorf("the store has %+v, the restore said %+v", after, said)
	}
	if after.Store.ID == before.Store.ID || after.Store.ID == "" {
		t.Errorf("its identity is %q, that of the lost store %q", after.Store.ID, before.Store.ID)
	}
	if after.Revision < before.Revision+etcd.RevisionBump || after.Store.Revision < before.Revision+etcd.RevisionBump {
		t.Errorf("it is at revision %d (%d in its identity), the lost store was at %d", after.Revision, after.Store.Revision, before.Revision)
	}
	found, err := restored.Get(t.Context(), server, clientv3.WithPrefix())
	if err != nil || len(found.Kvs) != 2 || string(found.Kvs[0].Value) != "a" {
		t.Errorf("it holds %v (%v)", found, err)
	}
	// Whoever watched the lost store has to list anew.
	watching, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	event := <-restored.Watch(watching, server, clientv3.WithPrefix(), clientv3.WithRev(before.Revision+1))
	if err := event.Err(); !errors.Is(err, rpctypes.ErrCompacted) {
		t.Errorf("a watch from the lost store gave %v and %v, want that it is compacted", event.Events, err)
	}
}

func TestASnapshotIsVerifiedByRestoringIt(t *testing.T) {
	client, _ := store(t, t.TempDir(), "a", "b", "c")
	file, scratch := save(t, client), t.TempDir()
	want, err := look(t.Context(), client, layout)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Verify(t.Context(), file, scratch, layout)
	if err != nil {
		t.Fatal(err)
	}
	if got.Store != want.Store || got.Revision != want.Revision || got.Objects["dittoservers"] != 3 {
		t.Errorf("the snapshot has %+v, the store %+v", got, want)
	}
	wantOnly(t, scratch)
}

func TestWhatIsNoWholeSnapshotIsRefusedAndNothingIsLeft(t *testing.T) {
	client, _ := store(t, t.TempDir(), "a")
	whole, err := os.ReadFile(save(t, client))
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte(nil), whole...)
	damaged[len(damaged)/2] ^= 1
	tests := []struct {
		name    string
		content []byte
		says    string
	}{
		{"one that broke off", whole[:len(whole)-600], "no checksum"},
		{"one without its checksum", whole[:len(whole)-32], "no checksum"},
		{"one with another bit", damaged, "expected sha256"},
		{"an empty file", nil, "no checksum"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "snapshot.db")
			if err := os.WriteFile(file, tc.content, 0o600); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if _, err := Restore(t.Context(), file, dir, "", layout); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("the restore gave %v, want %q", err, tc.says)
			}
			wantOnly(t, dir, "lock")
			if _, err := Verify(t.Context(), file, dir, layout); err == nil {
				t.Error("it was verified")
			}
			wantOnly(t, dir, "lock")
		})
	}
}

func TestARestoreReplacesNoStoreAndASnapshotNoFile(t *testing.T) {
	dir := t.TempDir()
	client, stop := store(t, dir, "a")
	file := save(t, client)
	for _, aside := range []string{"", "before"} {
		if _, err := Restore(t.Context(), file, dir, aside, layout); err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("the restore over a store that runs gave %v", err)
		}
	}
	if _, err := Prepare(t.Context(), file, file, layout); err == nil || !strings.Contains(err.Error(), "replaces none") {
		t.Errorf("the preparation gave %v", err)
	}
	if found, err := client.Get(t.Context(), server+"a"); err != nil || len(found.Kvs) != 1 {
		t.Errorf("the store has %v (%v)", found, err)
	}
	if _, err := client.Put(t.Context(), server+"later", ""); err != nil {
		t.Fatal(err)
	}
	stop()
	if _, err := Restore(t.Context(), file, dir, "", layout); err == nil || !strings.Contains(err.Error(), "--move-aside") {
		t.Errorf("the restore over a store gave %v", err)
	}
	if _, err := Restore(t.Context(), file, dir, "before", layout); err != nil {
		t.Fatal(err)
	}
	restored, stop := store(t, dir)
	if found, err := restored.Get(t.Context(), server, clientv3.WithPrefix()); err != nil || len(found.Kvs) != 1 {
		t.Errorf("the restored store has %v (%v)", found, err)
	}
	stop()
	for from, to := range map[string]string{etcd.DatabaseDir: "restored", "before": etcd.DatabaseDir} {
		if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to+".new")); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(filepath.Join(dir, etcd.DatabaseDir+".new"), filepath.Join(dir, etcd.DatabaseDir)); err != nil {
		t.Fatal(err)
	}
	back, _ := store(t, dir)
	if found, err := back.Get(t.Context(), server, clientv3.WithPrefix()); err != nil || len(found.Kvs) != 2 {
		t.Errorf("the store that was moved aside has %v (%v)", found, err)
	}
}

func TestAPreparedSnapshotIsTheStoreOfItsOwnForEveryMember(t *testing.T) {
	client, _ := store(t, t.TempDir(), "a", "b")
	prepared := filepath.Join(t.TempDir(), "prepared.db")
	said, err := Prepare(t.Context(), save(t, client), prepared, layout)
	if err != nil {
		t.Fatal(err)
	}
	wantOnly(t, filepath.Dir(prepared), "prepared.db")
	for range 2 {
		dir := t.TempDir()
		if err := etcd.Unpack(prepared, dir, 0); err != nil { // as etcdutl does
			t.Fatal(err)
		}
		member, _ := store(t, dir)
		got, err := look(t.Context(), member, layout)
		if err != nil || got.Store != said.Store || got.Revision < etcd.RevisionBump || got.Objects["dittoservers"] != 2 {
			t.Errorf("a member has %+v (%v), want %+v", got, err, said)
		}
	}
}

func TestMembersOfAClusterAreRestoredOfAPreparedSnapshotAndOfNoOther(t *testing.T) {
	client, stop := store(t, t.TempDir(), "a", "b")
	taken, prepared := save(t, client), filepath.Join(t.TempDir(), "prepared.db")
	said, err := Prepare(t.Context(), taken, prepared, layout)
	if err != nil {
		t.Fatal(err)
	}
	// One that was taken right after a compaction, as an operator's is who has made room.
	head, err := client.Get(t.Context(), "/", clientv3.WithCountOnly())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Compact(t.Context(), head.Header.Revision); err != nil {
		t.Fatal(err)
	}
	compacted := save(t, client)
	stop()

	var peers []string
	for _, name := range []string{"m-0", "m-1", "m-2"} {
		peers = append(peers, name+"=https://"+name+".nowhere.test:2380")
	}
	volume := t.TempDir()
	dir := filepath.Join(volume, "data")
	member := etcd.Membership{Name: "m-1", InitialCluster: strings.Join(peers, ","), Token: "test"}
	for _, file := range []string{taken, compacted} {
		if _, err := RestoreMember(t.Context(), file, dir, "", member, layout); err == nil || !strings.Contains(err.Error(), "--prepare") {
			t.Errorf("a member of a snapshot as it was taken gave %v", err)
		}
	}
	stranger := member
	stranger.Name = "m-3"
	if _, err := RestoreMember(t.Context(), prepared, dir, "", stranger, layout); err == nil || !strings.Contains(err.Error(), "m-3") {
		t.Errorf("a member that the cluster has not gave %v", err)
	}
	wantOnly(t, volume)
	got, err := RestoreMember(t.Context(), prepared, dir, "", member, layout)
	if err != nil || got.Store != said.Store || got.Objects["dittoservers"] != 2 {
		t.Fatalf("the member has %+v (%v), want %+v", got, err, said)
	}
	wantOnly(t, volume, "data")
	wantOnly(t, dir, "member")
	if _, err := RestoreMember(t.Context(), prepared, dir, "", member, layout); err == nil || !strings.Contains(err.Error(), "--move-aside") {
		t.Errorf("a second restore gave %v", err)
	}
	if _, err := RestoreMember(t.Context(), prepared, dir, "data.before", member, layout); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, volume, "data", "data.before")
}

func TestAMemberThatRunsIsNotRestored(t *testing.T) {
	dir := t.TempDir()
	client, _ := store(t, dir, "a")
	prepared := filepath.Join(t.TempDir(), "prepared.db")
	if _, err := Prepare(t.Context(), save(t, client), prepared, layout); err != nil {
		t.Fatal(err)
	}
	member := etcd.Membership{Name: "m", InitialCluster: "m=https://m.test:2380", Token: "test"}
	if _, err := RestoreMember(t.Context(), prepared, filepath.Join(dir, etcd.DatabaseDir), "aside", member, layout); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("the restore of a member that runs gave %v", err)
	}
}
