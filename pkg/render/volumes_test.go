// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func withContent(s *v1alpha1.DittoServerSpec) { s.Storage.ContentSize = new(resource.MustParse("1Gi")) }
func withCache(s *v1alpha1.DittoServerSpec)   { s.Storage.CacheSize = new(resource.MustParse("1Gi")) }
func ephemeral(s *v1alpha1.DittoServerSpec)   { s.Storage.Ephemeral = true }

// live is a StatefulSet with these templates.
func live(names ...string) []corev1.PersistentVolumeClaim {
	templates := []corev1.PersistentVolumeClaim{}
	for _, name := range names {
		templates = append(templates, template(name, false))
	}
	return templates
}

func TestDataIsOnTheVolumesThatTheStatefulSetHas(t *testing.T) {
	for _, tc := range []struct {
		name    string
		changes []func(*v1alpha1.DittoServerSpec)
		in      render.Inputs
		claims  []string // templates
		mounts  []string // volumes of data
		volumes map[string]string
	}{
		{name: "templates are in the order of the DittoFS operator, and the cache is last",
			changes: []func(*v1alpha1.DittoServerSpec){withCache, withContent},
			claims:  []string{"metadata", "content", "controlplane", "cache"}, mounts: []string{"metadata", "content", "controlplane", "cache"}},
		{name: "an ephemeral server has volumes of the pod", changes: []func(*v1alpha1.DittoServerSpec){ephemeral, withContent, withCache},
			mounts:  []string{"metadata", "content", "controlplane", "cache"},
			volumes: map[string]string{"metadata": "emptyDir of 10Gi", "content": "emptyDir of 1Gi", "controlplane": "emptyDir of 1Gi", "cache": "emptyDir of 1Gi"}},
		{name: "an ephemeral server stays so, with content that comes later too", changes: []func(*v1alpha1.DittoServerSpec){ephemeral, withContent},
			in: render.Inputs{LiveClaimTemplates: live(), ContentClaimLater: true}, mounts: []string{"metadata", "content", "controlplane"},
			volumes: map[string]string{"metadata": "emptyDir of 10Gi", "content": "emptyDir of 1Gi", "controlplane": "emptyDir of 1Gi"}},
		{name: "content that comes later is on a claim of the name that a template would give", changes: []func(*v1alpha1.DittoServerSpec){withContent},
			in:     render.Inputs{LiveClaimTemplates: live("metadata", "controlplane"), ContentClaimLater: true},
			claims: []string{"metadata", "controlplane"}, mounts: []string{"metadata", "content", "controlplane"},
			volumes: map[string]string{"content": "claim content-files-0"}},
		{name: "content that may not come yet is left out", changes: []func(*v1alpha1.DittoServerSpec){withContent},
			in:     render.Inputs{LiveClaimTemplates: live("metadata", "controlplane")},
			claims: []string{"metadata", "controlplane"}, mounts: []string{"metadata", "controlplane"}},
		{name: "content that nobody asks for does not come", in: render.Inputs{LiveClaimTemplates: live("metadata", "controlplane"), ContentClaimLater: true},
			claims: []string{"metadata", "controlplane"}, mounts: []string{"metadata", "controlplane"}},
		{name: "content that has a template stays with it", changes: []func(*v1alpha1.DittoServerSpec){withContent},
			in:     render.Inputs{LiveClaimTemplates: live("metadata", "content", "controlplane"), ContentClaimLater: true},
			claims: []string{"metadata", "content", "controlplane"}, mounts: []string{"metadata", "content", "controlplane"}},
		{name: "a StatefulSet that is made anew has a template for it", changes: []func(*v1alpha1.DittoServerSpec){withContent},
			in:     render.Inputs{ContentClaimLater: true},
			claims: []string{"metadata", "content", "controlplane"}, mounts: []string{"metadata", "content", "controlplane"}},
		{name: "content that is no longer asked for is still mounted: dfs would lose sight of its data",
			in:     render.Inputs{LiveClaimTemplates: live("metadata", "content", "controlplane")},
			claims: []string{"metadata", "content", "controlplane"}, mounts: []string{"metadata", "content", "controlplane"}},
		{name: "a cache that nobody asked for is not mounted: it would be a restart for nothing",
			in:     render.Inputs{LiveClaimTemplates: live("metadata", "controlplane", "cache")},
			claims: []string{"metadata", "controlplane", "cache"}, mounts: []string{"metadata", "controlplane"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			set := statefulSet(t, all(t, minimal(tc.changes...), tc.in))
			var claims, mounts []string
			for _, c := range set.Spec.VolumeClaimTemplates {
				claims = append(claims, c.Name)
			}
			for _, m := range container(t, set).VolumeMounts {
				if strings.HasPrefix(m.MountPath, "/data/") {
					mounts = append(mounts, m.Name)
				}
			}
			if !slices.Equal(claims, tc.claims) || !slices.Equal(mounts, tc.mounts) {
				t.Errorf("templates %v and mounts %v, want %v and %v", claims, mounts, tc.claims, tc.mounts)
			}
			got := map[string]string{}
			for _, v := range set.Spec.Template.Spec.Volumes {
				switch {
				case v.PersistentVolumeClaim != nil:
					got[v.Name] = "claim " + v.PersistentVolumeClaim.ClaimName
				case v.EmptyDir != nil && v.EmptyDir.SizeLimit != nil:
					got[v.Name] = "emptyDir of " + v.EmptyDir.SizeLimit.String()
				}
			}
			if tc.volumes == nil {
				tc.volumes = map[string]string{}
			}
			if diff := cmp.Diff(tc.volumes, got); diff != "" {
				t.Errorf("volumes of the pod (-want +got):\n%s", diff)
			}
		})
	}
}

// While the content volume may not come yet nothing else is held up, and nothing restarts for having asked.
func TestContentThatMayNotComeYetChangesNothing(t *testing.T) {
	in := render.Inputs{LiveClaimTemplates: live("metadata", "controlplane")}
	before, after := all(t, minimal(), in), all(t, minimal(withContent), in)
	if diff := cmp.Diff(string(manifest(t, before)), string(manifest(t, after))); diff != "" {
		t.Error(diff)
	}
}

func TestAFileOnAVolumeThatThePodLacksIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*v1alpha1.DittoServerSpec)
		field  string
	}{
		{"the log", func(s *v1alpha1.DittoServerSpec) { s.Logging.Output = "/data/store/block/dfs.log" }, "spec.logging.output"},
		{"the database", func(s *v1alpha1.DittoServerSpec) {
			s.Database.SQLite = &v1alpha1.SQLiteSpec{Path: "/data/store/block/control.db"}
		}, "spec.database.sqlite.path"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server, in := minimal(withContent, tc.change), render.Inputs{LiveClaimTemplates: live("metadata", "controlplane")}
			_, err := render.All(server, in)
			if err == nil || !strings.Contains(err.Error(), tc.field) || !strings.Contains(err.Error(), "under /data/store/metadata or under /data/controlplane") {
				t.Errorf("got %v", err)
			}
			in.ContentClaimLater = true
			all(t, server, in)
		})
	}
}

func TestAnEphemeralServerDoesNotTakeOverClaims(t *testing.T) {
	_, err := render.All(minimal(ephemeral), render.Inputs{LiveClaimTemplates: live("metadata", "controlplane")})
	if err == nil || !strings.Contains(err.Error(), "spec.storage.ephemeral") || !strings.Contains(err.Error(), "delete the StatefulSet") {
		t.Errorf("got %v", err)
	}
}

// The StatefulSet controller takes the claim for its own if the StatefulSet is made anew.
func TestTheClaimOfLaterContentIsWhatATemplateWouldHaveMade(t *testing.T) {
	storage := func(s *v1alpha1.DittoServerSpec) { withContent(s); s.Storage.StorageClassName = new("fast") }
	claim := &corev1.PersistentVolumeClaim{}
	typed(t, render.ContentClaim(minimal(storage)), claim)
	for _, made := range statefulSet(t, all(t, minimal(storage), render.Inputs{})).Spec.VolumeClaimTemplates {
		if made.Name != "content" {
			continue
		}
		if diff := cmp.Diff(made.Spec, claim.Spec); diff != "" {
			t.Errorf("-template +claim:\n%s", diff)
		}
	}
	if claim.Name != "content-files-0" || claim.Namespace != "team-a" {
		t.Errorf("it is %s/%s", claim.Namespace, claim.Name)
	}
	if diff := cmp.Diff(render.SelectorLabels("files"), claim.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	for name, server := range map[string]*v1alpha1.DittoServer{"no content": minimal(), "ephemeral": minimal(withContent, ephemeral)} {
		if got := render.ContentClaim(server); got != nil {
			t.Errorf("%s: got %v", name, *got.Name)
		}
	}
}
