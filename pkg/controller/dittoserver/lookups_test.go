// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// lookUps notes what is asked of the API instead of the cache.
type lookUps struct {
	client.Reader
	asked []string
}

func (l *lookUps) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	l.asked = append(l.asked, fmt.Sprintf("%T %s", obj, key.Name))
	return l.Reader.Get(ctx, key, obj, opts...)
}

func (f *fixture) noteLookUps() *lookUps {
	notes := &lookUps{Reader: f.rec.Live}
	f.rec.Live = notes
	return notes
}

func TestASecretThatWasGeneratedIsNotReadBack(t *testing.T) {
	f := newFixture(t)
	notes := f.noteLookUps()
	f.reconcile()
	for _, name := range []string{render.JWTSecretName(f.key.Name), render.AdminSecretName(f.key.Name)} {
		get(f, &corev1.Secret{}, name)
		if what := "*v1.Secret " + name; slices.Contains(notes.asked, what) {
			t.Errorf("the API was asked for %s", what)
		}
	}
	hash := f.set().Spec.Template.Annotations
	// The next pass reads it, and comes to the same.
	f.reconcile()
	if !slices.Contains(notes.asked, "*v1.Secret "+render.JWTSecretName(f.key.Name)) {
		t.Errorf("the API was asked for %v only: this test looks at the wrong names", notes.asked)
	}
	if now := f.set().Spec.Template.Annotations; fmt.Sprint(now) != fmt.Sprint(hash) {
		t.Errorf("the annotations of the template went from %v to %v", hash, now)
	}
}

func (f *fixture) pendingClaim(volume, class string) {
	f.t.Helper()
	f.do(f.admin.Create(f.t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: f.key.Namespace, Name: render.ClaimName(volume, f.key.Name), Labels: render.SelectorLabels(f.key.Name),
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: ptr.To(class),
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}))
}

func TestClaimsThatWaitForOneStorageClassAskForItOnce(t *testing.T) {
	f := newFixture(t)
	class := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{GenerateName: "class-"}, Provisioner: "example.com/none"}
	f.do(f.admin.Create(t.Context(), class))
	f.reconcile()
	for _, name := range []string{"metadata", "content"} {
		f.pendingClaim(name, class.Name)
	}
	notes := f.noteLookUps()
	asked := func() (n int) {
		for _, what := range notes.asked {
			if what == "*v1.StorageClass "+class.Name {
				n++
			}
		}
		return n
	}
	f.reconcile()
	f.reconcile()
	if n := asked(); n != 1 {
		t.Errorf("the StorageClass was asked for %d times, want once", n)
	}
	f.clock.Step(classLifetime)
	f.reconcile()
	if n := asked(); n != 2 {
		t.Errorf("a while later it was asked for %d times, want twice", n)
	}
}
