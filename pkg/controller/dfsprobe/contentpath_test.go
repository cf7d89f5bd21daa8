// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func TestLocalStoresAreAskedForWhileAContentVolumeIsToCome(t *testing.T) {
	const call = "GET /api/v1/store/block/local"
	f := newFixture(t)
	f.dfs.set(func(d *fakeDFS) {
		d.localStores = []string{"/data/store/block", "/data/store/block/a", "/data/store/blocks", "/x/../data/store/block/b", "/data/metadata"}
	})
	if o, _ := f.probe(); o.ContentKnown || slices.Contains(f.dfs.take(), call) {
		t.Errorf("asked although no volume is to come: %+v", o)
	}
	f.server(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.ContentSize = ptr.To(resource.MustParse("1Gi")) })
	o, _ := f.probe()
	if want := []string{"/data/store/block", "/data/store/block/a", "/x/../data/store/block/b"}; !o.ContentKnown || !slices.Equal(o.ContentStores, want) {
		t.Errorf("observed %+v, want %q", o, want)
	}
	f.dfs.take()
	edit(f, &appsv1.StatefulSet{}, "files", func(s *appsv1.StatefulSet) {
		s.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "content"}}
		s.Spec.Template.Spec.Containers = []corev1.Container{{Name: render.ContainerName,
			VolumeMounts: []corev1.VolumeMount{{Name: "content", MountPath: render.ContentPath}}}}
	})
	if o, _ := f.probe(); o.ContentKnown || o.ContentStores != nil || slices.Contains(f.dfs.take(), call) {
		t.Errorf("asked although the volume is there: %+v", o)
	}
}
