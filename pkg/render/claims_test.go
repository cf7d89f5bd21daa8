// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func TestClaimSizesFollowTheSpec(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*v1alpha1.DittoServerSpec)
		want   map[string]string
	}{
		{"a server without content has two claims", func(*v1alpha1.DittoServerSpec) {},
			map[string]string{"metadata-files-0": "10Gi", "controlplane-files-0": "1Gi"}},
		{"every size arrives at its claim", func(s *v1alpha1.DittoServerSpec) {
			s.Storage.ContentSize = new(resource.MustParse("1Ti"))
			s.Storage.ControlPlaneSize = new(resource.MustParse("2Gi"))
			s.Storage.CacheSize = new(resource.MustParse("3Gi"))
		}, map[string]string{"metadata-files-0": "10Gi", "content-files-0": "1Ti", "controlplane-files-0": "2Gi", "cache-files-0": "3Gi"}},
		{"an ephemeral server has none", func(s *v1alpha1.DittoServerSpec) { s.Storage.Ephemeral = true }, map[string]string{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := map[string]string{}
			for name, size := range render.ClaimSizes(minimal(tc.change)) {
				got[name] = size.String()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// template is as a reader of protobuf gets it, or of JSON.
func template(name string, json bool) corev1.PersistentVolumeClaim {
	t := corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"example.com/kept": "yes"}},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("3Gi")}},
		},
		Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending},
	}
	if json {
		t.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"}
	}
	return t
}

func TestLiveClaimTemplatesAreRenderedAsTheyAre(t *testing.T) {
	for _, tc := range []struct {
		name string
		live []corev1.PersistentVolumeClaim
	}{
		{"read as protobuf", []corev1.PersistentVolumeClaim{template("metadata", false), template("controlplane", false)}},
		{"read as JSON", []corev1.PersistentVolumeClaim{template("metadata", true), template("controlplane", true)}},
		{"in another order, and with one that we never made", []corev1.PersistentVolumeClaim{template("scratch", true), template("controlplane", true), template("metadata", true)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			set := statefulSet(t, all(t, minimal(), render.Inputs{LiveClaimTemplates: tc.live}))
			if !equality.Semantic.DeepEqual(tc.live, set.Spec.VolumeClaimTemplates) {
				t.Error(cmp.Diff(tc.live, set.Spec.VolumeClaimTemplates))
			}
		})
	}
}

func TestAVolumeThatTheStatefulSetHasIsMounted(t *testing.T) {
	live := []corev1.PersistentVolumeClaim{template("metadata", false), template("content", false), template("controlplane", false)}
	set := statefulSet(t, all(t, minimal(), render.Inputs{LiveClaimTemplates: live}))
	for _, m := range container(t, set).VolumeMounts {
		if m.Name == "content" && m.MountPath == "/data/store/block" {
			return
		}
	}
	t.Error("the content volume exists and is not mounted: dfs would lose sight of its data")
}

func TestAVolumeThatTheStatefulSetCannotHaveIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name  string
		live  []corev1.PersistentVolumeClaim
		field string
	}{
		{"a cache was not there from the start", []corev1.PersistentVolumeClaim{template("metadata", false), template("content", false), template("controlplane", false)}, "spec.storage.cacheSize"},
		{"a StatefulSet without the control-plane volume is none of ours", []corev1.PersistentVolumeClaim{template("metadata", false), template("content", false)}, "spec.storage.controlPlaneSize"},
		{"a StatefulSet without any volume is none of ours", []corev1.PersistentVolumeClaim{}, "spec.storage.metadataSize"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := minimal(func(s *v1alpha1.DittoServerSpec) {
				s.Storage.ContentSize, s.Storage.CacheSize = new(resource.MustParse("1Gi")), new(resource.MustParse("1Gi"))
			})
			_, err := render.All(server, render.Inputs{LiveClaimTemplates: tc.live})
			if err == nil || !strings.Contains(err.Error(), tc.field) {
				t.Errorf("want an error that names %s, got %v", tc.field, err)
			}
		})
	}
}
