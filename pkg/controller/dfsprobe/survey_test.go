// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

const listShares = "GET /api/v1/shares"

// surveyed is a server with a content volume, and a Surveyor that shares the prober's store.
func surveyed(t *testing.T) (*fixture, func() time.Duration) {
	t.Helper()
	f := newFixture(t)
	f.server(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.ContentSize = ptr.To(resource.MustParse("10Gi")) })
	edit(f, &appsv1.StatefulSet{}, "files", func(s *appsv1.StatefulSet) {
		s.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "content"}}
		s.Spec.Template.Spec.Containers = []corev1.Container{{Name: render.ContainerName,
			VolumeMounts: []corev1.VolumeMount{{Name: "content", MountPath: render.ContentPath}}}}
	})
	f.dfs.set(func(d *fakeDFS) {
		d.localStores = []string{"/data/store/block/a", "/elsewhere"}
		d.shareRows = []map[string]any{
			{"name": "/z", "local_block_store_id": "id of /data/store/block/a", "remote_block_store_id": nil},
			{"name": "/a", "local_block_store_id": "id of /data/store/block/a", "remote_block_store_id": nil, "local_store_size": "2.00GiB"},
			{"name": "/s3", "local_block_store_id": "id of /data/store/block/a", "remote_block_store_id": "r"},
			{"name": "/other", "local_block_store_id": "id of /elsewhere", "remote_block_store_id": nil},
			{"name": "/memory", "local_block_store_id": "unknown", "remote_block_store_id": nil},
		}
	})
	surveyor := &Surveyor{Prober: &Prober{
		Servers: f.c, Host: f.c, Live: f.c, Dial: DialPod(time.Second), Clock: f.clock, Store: f.p.Store, Changed: f.p.Changed,
	}}
	return f, func() time.Duration {
		t.Helper()
		res, err := surveyor.Reconcile(t.Context(), reconcile.Request{NamespacedName: f.key})
		f.do(err)
		return res.RequeueAfter
	}
}

func TestSharesAreSurveyedWhenAProcessHasStartedAndSeldomAfterThat(t *testing.T) {
	f, survey := surveyed(t)
	if again := survey(); again != surveyRetry || len(f.dfs.take()) != 0 {
		t.Errorf("asked before the probe was let in; again in %s", again)
	}
	f.probe()
	if slices.Contains(f.dfs.take(), listShares) {
		t.Error("the probe asks for shares")
	}
	f.changes = 0
	if again := survey(); again != surveyInterval || !slices.Contains(f.dfs.take(), listShares) || f.changes != 1 {
		t.Errorf("again in %s, %d pieces of news", again, f.changes)
	}
	want := []LocalShare{{Name: "/a", Size: 2 << 30}, {Name: "/z"}}
	if o, _ := f.p.Store.Get(f.key); !slices.Equal(o.LocalShares, want) {
		t.Errorf("the shares are %+v, want %+v", o.LocalShares, want)
	}
	f.clock.Step(surveyInterval - time.Minute)
	f.probe()
	if o, _ := f.p.Store.Get(f.key); !slices.Equal(o.LocalShares, want) {
		t.Errorf("after another round the shares are %+v", o.LocalShares)
	}
	f.dfs.take()
	if again := survey(); again != time.Minute || len(f.dfs.take()) != 0 {
		t.Errorf("asked too soon; again in %s", again)
	}
	f.clock.Step(time.Minute)
	f.changes = 0
	if survey(); !slices.Contains(f.dfs.take(), listShares) || f.changes != 0 {
		t.Errorf("not asked again, or the same is news: %d", f.changes)
	}
	edit(f, &corev1.Pod{}, "files-0", func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: render.ContainerName, RestartCount: 1}}
	})
	f.probe()
	f.dfs.take()
	if survey(); !slices.Contains(f.dfs.take(), listShares) {
		t.Error("a process that was restarted is not asked")
	}
}

func TestASurveyThatFailsChangesNothing(t *testing.T) {
	f, survey := surveyed(t)
	f.probe()
	survey()
	before, _ := f.p.Store.Get(f.key)
	f.dfs.set(func(d *fakeDFS) { d.hang = "/api/v1/shares" })
	f.clock.Step(surveyInterval)
	f.changes = 0
	if again := survey(); again != surveyInterval || f.changes != 0 {
		t.Errorf("again in %s, %d pieces of news", again, f.changes)
	}
	after, _ := f.p.Store.Get(f.key)
	if !slices.Equal(after.LocalShares, before.LocalShares) || !after.FailingSince.IsZero() || after.Token != TokenAccepted {
		t.Errorf("it was %+v, it is %+v", before, after)
	}
}

func TestNobodyAsksForSharesWithoutAContentVolume(t *testing.T) {
	for name, change := range map[string]func(*dittofsv1alpha1.DittoServer){
		"none is asked for": func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.ContentSize = nil },
		"it is ephemeral":   func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.Ephemeral = true },
	} {
		t.Run(name, func(t *testing.T) {
			f, survey := surveyed(t)
			f.probe()
			survey()
			f.server(change)
			f.clock.Step(surveyInterval)
			f.dfs.take()
			if again := survey(); again != 0 || len(f.dfs.take()) != 0 {
				t.Errorf("it is asked all the same; again in %s", again)
			}
			if o, _ := f.p.Store.Get(f.key); o.LocalShares != nil {
				t.Errorf("it still says %+v", o.LocalShares)
			}
		})
	}
}

func TestASurveyEndsWithItsServer(t *testing.T) {
	f, survey := surveyed(t)
	f.probe()
	survey()
	server := &dittofsv1alpha1.DittoServer{}
	f.do(f.c.Get(t.Context(), f.key, server))
	f.do(f.c.Delete(t.Context(), server))
	survey()
	if len(f.p.Store.surveys) != 0 {
		t.Errorf("the store still has %+v", f.p.Store.surveys)
	}
	if calls := strings.Join(f.dfs.take(), ","); !strings.Contains(calls, listShares) {
		t.Errorf("calls were %s", calls)
	}
}
