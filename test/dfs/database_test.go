// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"os"
	"strings"
	"testing"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

func TestANewServer(t *testing.T) {
	proves(t, "a new database has the adapters nfs 12049 and smb 1445, and the portmapper off")
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

func (s *server) sid() string {
	s.t.Helper()
	sid, err := s.client().MachineSID(s.t.Context())
	s.must(err)
	return sid
}

// loseDatabase empties the volume of the database.
func (s *server) loseDatabase() {
	s.t.Helper()
	s.must(os.RemoveAll(s.claim("controlplane")))
}

// Another machine SID is how an empty database is told from the one that a server had.
func TestTheMachineSIDIsThatOfTheDatabase(t *testing.T) {
	proves(t, "the machine SID survives a restart and changes with a blank database")
	s := newServer(t)
	s.start()
	first := s.sid()
	s.stop()
	s.start()
	if again := s.sid(); again != first {
		t.Errorf("after a restart it is %s, before it was %s", again, first)
	}
	s.stop()
	s.loseDatabase()
	s.start()
	if other := s.sid(); other == first {
		t.Error("it is the same on an empty database")
	}
}

func TestNothingIsWrittenToAnEmptyDatabase(t *testing.T) {
	proves(t, "identity guard: on a blank database the probe writes nothing until it is acknowledged")
	s := newServer(t)
	s.start()
	c := newCluster(s)
	c.share("projects")
	known := c.probe().MachineSID
	c.edit(func(d *dittofsv1alpha1.DittoServer) {
		d.Status.MachineSID = known
		d.Spec.SnapshotPolicies = []dittofsv1alpha1.SnapshotPolicy{{Share: "projects", Interval: "@daily"}}
	})
	if o := c.probe(); !o.Policies[0].Applied {
		t.Fatalf("on its own database: %+v", o.Policies)
	}
	s.stop()
	s.loseDatabase()
	s.start()
	c.share("projects")
	c.replacePod("pod-uid-2")
	o := c.probe()
	if !o.DatabaseReachable || o.Token != dfsprobe.TokenAccepted || o.MachineSID == known || o.MachineSID == "" {
		t.Errorf("the blank server answers everything, and has an identity of its own: %+v", o)
	}
	if p := o.Policies[0]; p.Applied || p.Reason != dfsprobe.PolicyHeld || !strings.Contains(p.Message, o.MachineSID) {
		t.Errorf("the policy: %+v", p)
	}
	if policies, err := s.client().SnapshotPolicies(t.Context()); err != nil || len(policies) != 0 {
		t.Errorf("dfs was written to: %+v %v", policies, err)
	}
	c.probe() // the condition that says so is news, and brings the next round
	// The controller records the new identity when the user accepts it.
	c.edit(func(d *dittofsv1alpha1.DittoServer) { d.Status.MachineSID = o.MachineSID })
	if o := c.probe(); !o.Policies[0].Applied {
		t.Errorf("acknowledged: %+v", o.Policies)
	}
}

func TestASettingIsKept(t *testing.T) {
	proves(t, "the note of the controller in the settings of dfs survives a restart")
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

func TestTheAdminPasswordIsASeed(t *testing.T) {
	proves(t, "the admin password is read once: another value in the Secret changes nothing, and tokens need neither")
	s := newServer(t)
	s.start()
	login := func(password string) bool {
		t.Helper()
		return s.try("POST", "/api/v1/auth/login", "", map[string]any{"username": "admin", "password": password}).code == 200
	}
	if !login(adminPassword) || login("another password") {
		t.Error("the first password is not that of the Secret")
	}
	s.stop()
	for key := range s.secrets["files-admin-bootstrap-credentials"] {
		s.secrets["files-admin-bootstrap-credentials"][key] = "another password"
	}
	s.start()
	if !login(adminPassword) || login("another password") {
		t.Error("another value of the Secret became the password")
	}
	if _, err := s.client().Adapters(t.Context()); err != nil {
		t.Errorf("a token of the controller: %v", err)
	}
}
