// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
)

func TestTheNewestSnapshotsAreKeptAndOtherFilesLeftAlone(t *testing.T) {
	client, _ := store(t, t.TempDir(), "a")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "before-the-upgrade.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &Schedule{From: FromEtcd(client), Layout: layout, On: directory(dir), Interval: time.Hour, Keep: 2}
	first := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range 3 {
		if _, err := s.take(t.Context(), first.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	wantOnly(t, dir, "before-the-upgrade.db", "dittofs-20260102T040405Z.db", "dittofs-20260102T050405Z.db")
	// After a restart the next one is due by the newest that is there.
	if got := s.untilDue(t.Context(), first.Add(2*time.Hour+20*time.Minute)); got != 40*time.Minute {
		t.Errorf("the next one is due in %s, want 40 minutes", got)
	}
	if got := s.untilDue(t.Context(), first.Add(24*time.Hour)); got != 0 {
		t.Errorf("one that is overdue is due in %s", got)
	}
}

func TestWhatAKilledSnapshotHasLeftIsRemovedADayLater(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for name, age := range map[string]time.Duration{
		".verify-1": 25 * time.Hour, ".verify-2": time.Hour,
		".dittofs-20260102T150405Z.db.1.part": 25 * time.Hour, ".dittofs-20260102T160405Z.db.2.part": time.Hour,
		".mine.db.3.part": 25 * time.Hour, "dittofs-20260102T150405Z.db": 25 * time.Hour,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Join(path, "member"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := directory(dir).sweep(now); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir, ".dittofs-20260102T160405Z.db.2.part", ".mine.db.3.part", ".verify-2", "dittofs-20260102T150405Z.db")
}

func TestASnapshotThatFailsLeavesTheOlderOnes(t *testing.T) {
	client, stop := store(t, t.TempDir(), "a")
	dir := t.TempDir()
	s := &Schedule{From: FromEtcd(client), Layout: layout, On: directory(dir), Interval: time.Hour, Keep: 1}
	first := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if _, err := s.take(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	stop()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := s.take(ctx, first.Add(time.Hour)); err == nil {
		t.Error("a snapshot of a store that is gone did not fail")
	}
	wantOnly(t, dir, "dittofs-20260102T030405Z.db")
}

func TestASnapshotComesOverHTTPWholeOrIsRefused(t *testing.T) {
	client, stop := store(t, t.TempDir(), "a", "b")
	web := httptest.NewTLSServer(Handler(client))
	defer web.Close()
	file := filepath.Join(t.TempDir(), "snapshot.db")
	fetch := func(ctx context.Context, file string) error {
		_, err := etcd.SaveSnapshot(file, func(to io.Writer) (int64, error) { return download(ctx, web.Client(), web.URL, "", to) })
		return err
	}
	if err := fetch(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	contents, err := Verify(t.Context(), file, t.TempDir(), layout)
	if err != nil || contents.Objects["dittoservers"] != 2 {
		t.Errorf("it holds %+v (%v)", contents, err)
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	response := httptest.NewRecorder()
	Handler(client).ServeHTTP(response, request)
	if response.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST gave %d", response.Code)
	}
	stop()
	file = filepath.Join(t.TempDir(), "another.db")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := fetch(ctx, file); err == nil {
		t.Error("a snapshot of a store that is gone was downloaded")
	}
	wantOnly(t, filepath.Dir(file))
}
