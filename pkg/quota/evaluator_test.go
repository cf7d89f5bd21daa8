// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package quota

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/resourcequota"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func newServer(change ...func(*dittofsv1alpha1.DittoServerSpec)) *dittofsv1alpha1.DittoServer {
	server := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "files", ResourceVersion: "1"}}
	server.Spec.Storage.MetadataSize = ptr.To(resource.MustParse("1Gi"))
	for _, f := range change {
		f(&server.Spec)
	}
	dittofsv1alpha1.SetObjectDefaults_DittoServer(server)
	return server
}

func content(size string) func(*dittofsv1alpha1.DittoServerSpec) {
	return func(s *dittofsv1alpha1.DittoServerSpec) { s.Storage.ContentSize = ptr.To(resource.MustParse(size)) }
}

func TestStorageIsTheSumOfTheClaims(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*dittofsv1alpha1.DittoServerSpec)
		want   string
	}{
		"the volume of the control plane counts by its default": {func(*dittofsv1alpha1.DittoServerSpec) {}, "2Gi"},
		"the content volume counts":                             {content("10Gi"), "12Gi"},
		"every volume counts": {func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Storage.ContentSize, s.Storage.CacheSize = ptr.To(resource.MustParse("10Gi")), ptr.To(resource.MustParse("3Gi"))
			s.Storage.ControlPlaneSize = ptr.To(resource.MustParse("2Gi"))
		}, "16Gi"},
		"ephemeral storage makes no claims": {func(s *dittofsv1alpha1.DittoServerSpec) {
			content("10Gi")(s)
			s.Storage.Ephemeral = true
		}, "0"},
		"a stopped server keeps its claims": {func(s *dittofsv1alpha1.DittoServerSpec) { s.Replicas = ptr.To[int32](0) }, "2Gi"},
		"a PostgreSQL cluster that is made counts with each instance": {func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true, Replicas: ptr.To[int32](3), StorageSize: ptr.To(resource.MustParse("5Gi"))}
		}, "17Gi"},
		"a PostgreSQL cluster counts by its defaults": {func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true}
		}, "12Gi"},
		"a PostgreSQL cluster of others is theirs": {func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true, ExistingClusterRef: &dittofsv1alpha1.PerconaClusterReference{Name: "shared"}}
		}, "2Gi"},
		"a PostgreSQL cluster that is switched off is not made": {func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Percona = &dittofsv1alpha1.PerconaSpec{StorageSize: ptr.To(resource.MustParse("5Gi"))}
		}, "2Gi"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Storage(newServer(c.change)); got.Cmp(resource.MustParse(c.want)) != 0 {
				t.Errorf("storage %s, want %s", got.String(), c.want)
			}
		})
	}
}

func newQuota(hard, used corev1.ResourceList) *corev1.ResourceQuota {
	return &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "q"},
		Spec:       corev1.ResourceQuotaSpec{Hard: hard},
		Status:     corev1.ResourceQuotaStatus{Hard: hard, Used: used},
	}
}

func list(count, storage string) corev1.ResourceList {
	out := corev1.ResourceList{}
	if count != "" {
		out["count/dittoservers.dittofs.io"] = resource.MustParse(count)
	}
	if storage != "" {
		out["dittofs.io/storage"] = resource.MustParse(storage)
	}
	return out
}

func attributes(server, old runtime.Object, subresource string) admission.Attributes {
	operation := admission.Create
	if old != nil {
		operation = admission.Update
	}
	return admission.NewAttributesRecord(server, old, dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer"), "ns", "files",
		dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoservers"), subresource, operation, nil, false, nil)
}

// The check is the library's own, as the plugin calls it.
func TestTheQuotaAdmissionChargesWhatAServerUses(t *testing.T) {
	tests := map[string]struct {
		hard, used  corev1.ResourceList
		server, old runtime.Object
		subresource string
		charged     corev1.ResourceList // nil: refused
	}{
		"a create is charged with one server and its claims": {
			hard: list("5", "20Gi"), used: list("1", "2Gi"), server: newServer(content("10Gi")), charged: list("2", "14Gi"),
		},
		"a create over the storage is refused": {hard: list("5", "13Gi"), used: list("1", "2Gi"), server: newServer(content("10Gi"))},
		"a create over the count is refused":   {hard: list("1", "20Gi"), used: list("1", "2Gi"), server: newServer(content("10Gi"))},
		"an edit is charged with what volumes grow": {
			hard: list("1", "20Gi"), used: list("1", "12Gi"), server: newServer(content("15Gi")), old: newServer(content("10Gi")), charged: list("1", "17Gi"),
		},
		"an edit that grows over the storage is refused": {
			hard: list("1", "16Gi"), used: list("1", "12Gi"), server: newServer(content("15Gi")), old: newServer(content("10Gi")),
		},
		"an edit of something else is not charged, even over a quota that became smaller": {
			hard: list("1", "5Gi"), used: list("1", "12Gi"), server: newServer(content("10Gi")), old: newServer(content("10Gi")), charged: list("1", "12Gi"),
		},
		"a status is not charged": {
			hard: list("1", "5Gi"), used: list("1", "12Gi"), server: newServer(content("15Gi")), old: newServer(content("10Gi")), subresource: "status", charged: list("1", "12Gi"),
		},
		"a quota of the count alone leaves storage alone": {hard: list("5", ""), used: list("1", ""), server: newServer(content("10Gi")), charged: list("2", "")},
		"a quota that has not been counted yet admits nothing": {
			hard: list("", "20Gi"), used: corev1.ResourceList{}, server: newServer(),
		},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			after, err := resourcequota.CheckRequest([]corev1.ResourceQuota{*newQuota(c.hard, c.used)},
				attributes(c.server, c.old, c.subresource), NewEvaluator(), nil)
			if (err != nil) != (c.charged == nil) {
				t.Fatalf("error %v, want one: %t", err, c.charged == nil)
			}
			for resource, want := range c.charged {
				if got := after[0].Status.Used[resource]; got.Cmp(want) != 0 {
					t.Errorf("%s: used %s, want %s", resource, got.String(), want.String())
				}
			}
		})
	}
}

func TestAQuotaWithScopesIsNotAboutDittoServers(t *testing.T) {
	quota := newQuota(list("1", "1Gi"), nil)
	quota.Spec.Scopes = []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeBestEffort}
	if tracked := Tracked(quota); len(tracked) > 0 {
		t.Errorf("tracked: %v", tracked)
	}
	if matches, err := NewEvaluator().Matches(quota, newServer()); matches || err != nil {
		t.Errorf("matches: %t, %v", matches, err)
	}
}

func TestOnlyOurResourcesAreTracked(t *testing.T) {
	hard := list("1", "1Gi")
	hard[corev1.ResourcePods] = resource.MustParse("3")
	tracked := Tracked(newQuota(hard, nil))
	if len(tracked) != 2 {
		t.Errorf("tracked: %v", tracked)
	}
	used := Used([]dittofsv1alpha1.DittoServer{*newServer(), *newServer(content("1Gi"))}, tracked)
	if got := used[dittofsv1alpha1.QuotaStorage]; len(used) != 2 || got.Cmp(resource.MustParse("5Gi")) != 0 {
		t.Errorf("used: %v", used)
	}
}
