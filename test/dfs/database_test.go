// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

func TestANewServer(t *testing.T) {
	s := newServer(t)
	s.start()
	c := s.client()
	health, err := c.Health(t.Context())
	if err != nil || !health.DatabaseReachable() || health.StartedAt.IsZero() {
		t.Errorf("health: %+v %v", health, err)
	}
	adapters, err := c.Adapters(t.Context())
	if err != nil || len(adapters) != 2 || adapters[0].Type != dfs.AdapterNFS || adapters[0].Port != 12049 || !adapters[0].Enabled ||
		adapters[1].Type != dfs.AdapterSMB || adapters[1].Port != 1445 {
		t.Errorf("adapters: %+v %v", adapters, err)
	}
	settings, err := c.NFSSettings(t.Context())
	if want := (dfs.NFSSettings{PortmapperPort: 10111}); err != nil || settings != want {
		t.Errorf("settings of NFS: %+v %v", settings, err)
	}
}

// Another machine SID is how an empty database is told from the one that a server had.
func TestTheMachineSIDIsThatOfTheDatabase(t *testing.T) {
	s := newServer(t)
	s.start()
	sid := func() string {
		t.Helper()
		sid, err := s.client().MachineSID(t.Context())
		s.must(err)
		return sid
	}
	first := sid()
	s.stop()
	s.start()
	if again := sid(); again != first {
		t.Errorf("after a restart it is %s, before it was %s", again, first)
	}
	s.stop()
	s.must(os.RemoveAll(filepath.Join(s.dir, "data/controlplane")))
	s.must(os.MkdirAll(filepath.Join(s.dir, "data/controlplane"), 0o700))
	s.start()
	if other := sid(); other == first {
		t.Error("it is the same on an empty database")
	}
}

func TestASettingIsKept(t *testing.T) {
	const key = "dittofs-apiserver.test"
	s := newServer(t)
	s.start()
	if got, err := s.client().Setting(t.Context(), key); got != "" || err != nil {
		t.Errorf("before: %q %v", got, err)
	}
	s.must(s.client().PutSetting(t.Context(), key, `{"a":"b"}`))
	s.stop()
	s.start()
	if got, err := s.client().Setting(t.Context(), key); got != `{"a":"b"}` || err != nil {
		t.Errorf("after a restart: %q %v", got, err)
	}
	s.must(s.client().PutSetting(t.Context(), key, ""))
	if got, err := s.client().Setting(t.Context(), key); got != "" || err != nil {
		t.Errorf("emptied: %q %v", got, err)
	}
}
