package controlplane_test

import (
	"os"
	"testing"
	"time"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
)

func TestTmpDitto(t *testing.T) {
	dir := t.TempDir()
	p, err := controlplane.Start(t.Context(), controlplane.Options{Dir: dir, BinDir: "/tmp/stubrepo/.local/bin"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { t.Log(p.Stop()) })
	s, err := p.StartStandIn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.InstallDittoFS(t.Context(), controlplane.DittoFSOptions{RepoDir: "/tmp/stubrepo", DFSURLTemplate: s.URLTemplate})
	if err != nil {
		t.Fatal(err)
	}
	step := func(what string, f func() error) {
		b := time.Now()
		err := f()
		t.Logf("%s: %v %v", what, err, time.Since(b))
	}
	step("wipe while running", d.WipeStore)
	step("stop", d.Stop)
	step("wipe", d.WipeStore)
	_, err = os.Stat(d.DataDir)
	t.Log(err)
	step("start", func() error { return d.Start(t.Context()) })
	d.Kill()
	step("restart api", func() error { return p.RestartAPIServer(t.Context()) })
	time.Sleep(35 * time.Second)
	step("start after long death", func() error { return d.Start(t.Context()) })
	step("restart api", func() error { return p.RestartAPIServer(t.Context()) })
	step("standin stop", s.Stop)
	step("standin start", func() error { return s.Start(t.Context()) })
}
