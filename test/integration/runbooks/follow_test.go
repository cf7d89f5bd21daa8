// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package runbooks_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
	"github.com/dittofs/dittofs-apiserver/test/page"
)

// walk is the page, the process behind it, and the server of its examples.
type walk struct {
	page    harness.Page
	kubelet *kubelet
	files   harness.Subject
}

func TestEachRunbookIsFollowedAsItIsWritten(t *testing.T) {
	w := &walk{files: cluster.Subject("team-a", "files")}
	w.page = harness.OpenPage(t, cluster.Admin, "runbooks.md", "prelude")
	// In the pod of a cluster; here the process is beside it.
	w.page.Replace("kubectl exec -n dittofs-system dittofs-apiserver-0 -- /dittofs-apiserver", "dittofs-apiserver")
	w.page.Replace("--data-dir=/var/lib/dittofs-apiserver/store", "--data-dir="+cluster.Server.DataDir)
	w.copyTestdata(t)
	w.kubectl(t, "create", "namespace", "team-a")
	w.kubectl(t, "apply", "-n", "team-a", "-f", "files.yaml")
	w.kubelet = startKubelet(t)
	w.files.AwaitReady(t)
	followed := map[string]bool{}
	for _, d := range disasters {
		followed[d.part] = true
		// One after the other: each is about the whole cluster, and leaves it as it was.
		ok := t.Run(d.part, func(t *testing.T) {
			began := time.Now()
			before := w.files.Parts(t)
			d.follow(t, w)
			w.files.AwaitReady(t)
			if !d.restarts {
				before.ExpectKept(t, w.files, "statefulsets/", "persistentvolumeclaims/", "pods/")
			}
			t.Logf("took %s", time.Since(began).Round(time.Second))
		})
		if !ok {
			return
		}
	}
	for _, block := range w.page.Blocks {
		if block.Runner == page.Local && !followed[part(block)] {
			t.Errorf("line %d: no disaster follows %q", block.Line, block.Part)
		}
	}
}

// see waits for what the page says is seen, do runs commands once, over waits for the end.
func (w *walk) see(t *testing.T, part string) { t.Helper(); w.await(t, part+"-see") }

func (w *walk) over(t *testing.T, part string) { t.Helper(); w.await(t, part+"-over") }

func (w *walk) await(t *testing.T, part string) {
	t.Helper()
	for _, block := range w.page.Of(t, part) {
		t.Logf("line %d:\n%s", block.Line, w.page.Await(t, block))
	}
}

func (w *walk) do(t *testing.T, part string) {
	t.Helper()
	for _, block := range w.page.Of(t, part) {
		t.Logf("line %d:\n%s", block.Line, w.page.Follow(t, block))
	}
}

// kubectl runs what is no part of the page: what makes the disaster, or tidies up.
func (w *walk) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	for i, arg := range args {
		if filepath.Ext(arg) == ".yaml" {
			args[i] = filepath.Join(w.page.Dir, arg)
		}
	}
	return cluster.Admin.Kubectl("").Run(t, args...)
}

func (w *walk) copyTestdata(t *testing.T) {
	t.Helper()
	if err := os.CopyFS(w.page.Dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
}

// disturb has the controllers make the headless Service of files anew: its pod does not notice.
func (w *walk) disturb(t *testing.T) {
	t.Helper()
	w.kubectl(t, "delete", "service", "-n", "team-a", "files-headless")
}
