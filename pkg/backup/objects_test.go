// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/component-base/metrics/testutil"

	"github.com/dittofs/dittofs-apiserver/pkg/backup/bucket"
	"github.com/dittofs/dittofs-apiserver/pkg/backup/bucket/buckettest"
)

func bucketShelf(t *testing.T, scratch string) Shelf {
	t.Helper()
	shelf, err := OpenShelf("s3://"+buckettest.Bucket+"/prod", scratch, bucket.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return shelf
}

func TestTheNewestSnapshotsInABucketAreKeptAndOtherObjectsLeftAlone(t *testing.T) {
	service := buckettest.Start(t)
	client, _ := store(t, t.TempDir(), "a")
	foreign := []string{"dittofs-20200102T030405Z.db", "prod-2/dittofs-20200102T030405Z.db", "prod/before-the-upgrade.db", "prod/dittofs-20200102T030405Z.db.copy", "prod/old/dittofs-20200102T030405Z.db"}
	for _, key := range foreign {
		service.Put(t, key, []byte("x"))
	}
	scratch := t.TempDir()
	s := &Schedule{From: FromEtcd(client), Layout: layout, On: bucketShelf(t, scratch), Interval: time.Hour, Keep: 2}
	first := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range 3 {
		snapshot, err := s.take(t.Context(), first.Add(time.Duration(i)*time.Hour))
		if err != nil || snapshot.contents.Objects["dittoservers"] != 1 {
			t.Fatalf("%+v (%v)", snapshot, err)
		}
	}
	service.WantKeys(t, append(foreign[:2:2], "prod/before-the-upgrade.db", "prod/dittofs-20200102T030405Z.db.copy",
		"prod/dittofs-20260102T040405Z.db", "prod/dittofs-20260102T050405Z.db", foreign[4])...)
	wantOnly(t, scratch)
	if got := s.untilDue(t.Context(), first.Add(2*time.Hour+20*time.Minute)); got != 40*time.Minute {
		t.Errorf("the next one is due in %s, want 40 minutes", got)
	}
	// The clock has gone back: what was just taken is not the oldest that goes.
	if _, err := s.take(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if keys := strings.Join(service.Keys(t), " "); !strings.Contains(keys, "20260102T030405Z") || strings.Contains(keys, "20260102T040405Z") {
		t.Errorf("the bucket has %s", keys)
	}
	if _, err := s.take(t.Context(), first); err == nil || !strings.Contains(err.Error(), "exists; a snapshot replaces none") {
		t.Errorf("the error is %v", err)
	}
}

func TestASnapshotThatDoesNotArriveLeavesTheOlderOnes(t *testing.T) {
	changed := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || r.URL.Query().Has("list-type") {
			return false
		}
		w.Header().Set("Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT")
		w.Header().Set("ETag", `"0123"`)
		_, _ = w.Write([]byte("something else"))
		return true
	}
	for name, fault := range map[string]buckettest.Fault{
		"it may not be written":     buckettest.Refuse(http.StatusForbidden, "AccessDenied", buckettest.Method(http.MethodPut)),
		"the connection ends":       buckettest.Cut(buckettest.Method(http.MethodPut)),
		"it is not what was sent":   changed,
		"it cannot be read back":    buckettest.Refuse(http.StatusForbidden, "AccessDenied", func(r *http.Request) bool { return r.Method == http.MethodGet && !r.URL.Query().Has("list-type") }),
		"the service does not list": buckettest.Refuse(http.StatusForbidden, "AccessDenied", buckettest.Method(http.MethodGet)),
	} {
		t.Run(name, func(t *testing.T) {
			service := buckettest.Start(t)
			client, _ := store(t, t.TempDir(), "a")
			scratch := t.TempDir()
			s := &Schedule{From: FromEtcd(client), Layout: layout, On: bucketShelf(t, scratch), Interval: time.Hour, Keep: 1}
			first := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			if _, err := s.take(t.Context(), first); err != nil {
				t.Fatal(err)
			}
			service.Break(fault)
			_, err := s.take(t.Context(), first.Add(time.Hour))
			if err == nil || !strings.Contains(err.Error(), "s3://backups/prod/dittofs-20260102T040405Z.db") {
				t.Errorf("the error is %v", err)
			}
			service.WantKeys(t, "prod/dittofs-20260102T030405Z.db")
			wantOnly(t, scratch)
		})
	}
}

func TestAScheduleGoesOnWhenTheServiceIsBack(t *testing.T) {
	service := buckettest.Start(t)
	service.Break(buckettest.Refuse(http.StatusServiceUnavailable, "InternalFailure", buckettest.Any))
	client, _ := store(t, t.TempDir(), "a")
	RegisterMetrics()
	failures := func() float64 {
		n, err := testutil.GetCounterMetricValue(snapshotFailures)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := failures()
	s := &Schedule{From: FromEtcd(client), Layout: layout, On: bucketShelf(t, t.TempDir()), Interval: time.Second, Keep: 1}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	defer func() { cancel(); <-done }()
	until := func(what string, condition func() bool) {
		t.Helper()
		if err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) { return condition(), nil }); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	until("a failure is counted", func() bool { return failures() > before })
	service.WantKeys(t)
	service.Break(nil)
	until("a snapshot is in the bucket", func() bool { return len(service.Keys(t)) > 0 })
}

// run is dittofs-apiserver etcd.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := NewCommand(Settings{DataDir: "/no/such/directory", Layout: layout})
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func endpoint(client *clientv3.Client) string { return "--etcd-servers=" + client.Endpoints()[0] }

func TestTheCommandsWorkWithSnapshotsInABucket(t *testing.T) {
	service := buckettest.Start(t)
	t.Setenv("TMPDIR", t.TempDir())
	client, _ := store(t, t.TempDir(), "a", "b")
	const today = "s3://backups/prod/today.db"
	must := func(want string, args ...string) string {
		t.Helper()
		out, err := run(t, args...)
		if err != nil || !strings.Contains(out, want) {
			t.Fatalf("%q: %q (%v), want %q", args, out, err, want)
		}
		return out
	}
	must("Saved "+today, "snapshot", today, endpoint(client))
	must(today+" restores: store ", "status", today)
	must("2 dittoservers", "status", today)
	must("Saved s3://backups/prod/dittofs-2", "snapshot", "--dir=s3://backups/prod", "--keep=1", endpoint(client))
	listed := must("s3://backups/prod/dittofs-2", "list", "s3://backups/prod/")
	if strings.Contains(listed, "today.db") {
		t.Errorf("listed as one by schedule: %s", listed)
	}
	dir := t.TempDir()
	must("Restored "+today, "restore", today, "--data-dir="+dir)
	restored, _ := store(t, dir)
	if found, err := restored.Get(t.Context(), server, clientv3.WithPrefix(), clientv3.WithCountOnly()); err != nil || found.Count != 2 {
		t.Errorf("%d objects are restored (%v)", found.Count, err)
	}

	whole := service.Get(t, "prod/today.db")
	service.Put(t, "prod/broken-off.db", whole[:len(whole)-1000])
	whole[len(whole)/2] ^= 1
	service.Put(t, "prod/damaged.db", whole)
	for name, c := range map[string]struct {
		want string
		args []string
	}{
		"one that is there":      {"exists; a snapshot replaces none", []string{"snapshot", today, endpoint(client)}},
		"no key":                 {"names no object", []string{"snapshot", "s3://backups", endpoint(client)}},
		"a prefix":               {"names no object", []string{"snapshot", "s3://backups/prod/", endpoint(client)}},
		"one that broke off":     {"s3://backups/prod/broken-off.db: the snapshot broke off", []string{"status", "s3://backups/prod/broken-off.db"}},
		"one that is damaged":    {"s3://backups/prod/damaged.db: restore", []string{"restore", "s3://backups/prod/damaged.db", "--data-dir=" + t.TempDir()}},
		"one that is not there":  {"there is no such object", []string{"restore", "s3://backups/prod/yesterday.db", "--data-dir=" + t.TempDir()}},
		"a bucket that is not":   {"there is no bucket nowhere", []string{"list", "s3://nowhere"}},
		"credentials in the URL": {"has no credentials in it", []string{"list", "s3://a:b@backups"}},
		"an authority not there": {"--s3-cafile", []string{"list", "s3://backups", "--s3-cafile=/no/such/file"}},
		"nothing is kept":        {"must be at least 1", []string{"snapshot", "--dir=s3://backups", "--keep=0"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, c.args...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q: %q (%v), want %q", c.args, out, err, c.want)
			}
		})
	}
	wantOnly(t, os.Getenv("TMPDIR"))
}
