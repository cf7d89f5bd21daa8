// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// controllers.md 7
func TestAShareThatUsesLittleOfTheContentVolumeIsAWarningWithTheValueToSet(t *testing.T) {
	memory := func(v *view, limit string) {
		container := corev1.Container{Name: render.ContainerName}
		if limit != "" {
			container.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)}
		}
		v.set.Spec.Template.Spec.Containers = []corev1.Container{container}
	}
	const gi = 1 << 30
	tests := []struct {
		name   string
		limit  string
		volume string
		shares []dfsprobe.LocalShare
		says   []string // nothing: all is well
	}{
		{"a quarter of the memory is little", "2Gi", "100Gi", []dfsprobe.LocalShare{{Name: "/a"}}, []string{"(100GiB)", "/a takes 512MiB", "to 90GiB"}},
		{"dfs takes at least 256 MiB", "512Mi", "10Gi", []dfsprobe.LocalShare{{Name: "/a"}}, []string{"/a takes 256MiB", "to 9GiB"}},
		{"each has its part of the volume", "8Gi", "100Gi", []dfsprobe.LocalShare{{Name: "/a", Size: 40 * gi}, {Name: "/b"}}, []string{"/b takes 2GiB", "to 45GiB"}},
		{"a size of its own that is small", "", "100Gi", []dfsprobe.LocalShare{{Name: "/a", Size: gi}}, []string{"/a takes 1GiB"}},
		{"half of the volume is enough", "", "100Gi", []dfsprobe.LocalShare{{Name: "/a", Size: 50 * gi}}, nil},
		{"many shares with the same sum", "", "100Gi", []dfsprobe.LocalShare{{Name: "/a", Size: 50 * gi}, {Name: "/b", Size: 50 * gi}}, nil},
		{"much memory", "64Gi", "20Gi", []dfsprobe.LocalShare{{Name: "/a"}}, nil},
		{"the memory of the node is not known", "", "100Gi", []dfsprobe.LocalShare{{Name: "/a"}}, nil},
		{"there is no such share", "2Gi", "100Gi", []dfsprobe.LocalShare{}, nil},
		{"nobody has looked", "2Gi", "100Gi", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := good()
			memory(&v, tt.limit)
			v.volumes = append(v.volumes, volume{name: "content", claimName: "content-files-0", claim: boundClaim(tt.volume, tt.volume)})
			v.dfs.LocalShares = tt.shares
			status, _ := v.status()
			c := meta.FindStatusCondition(status.Conditions, dittofsv1alpha1.ConditionStorageReady)
			reason := reasonVolumesBound
			if tt.says != nil {
				reason = reasonLocalStoreSizeLow
			}
			if c.Status != metav1.ConditionTrue || c.Reason != reason {
				t.Errorf("StorageReady is %s, %s: %s", c.Status, c.Reason, c.Message)
			}
			for _, says := range tt.says {
				if !strings.Contains(c.Message, says) {
					t.Errorf("it says %q, which does not mention %q", c.Message, says)
				}
			}
			if status.Phase != dittofsv1alpha1.PhaseRunning {
				t.Errorf("the phase is %s", status.Phase)
			}
			// A new process has not looked yet, and says nothing else.
			v.server.Status = status
			v.dfs.LocalShares = nil
			again, _ := v.status()
			if now := meta.FindStatusCondition(again.Conditions, dittofsv1alpha1.ConditionStorageReady); now.Reason != c.Reason || now.Message != c.Message {
				t.Errorf("after a restart it is %s: %s", now.Reason, now.Message)
			}
		})
	}
}

func TestSmallSharesAreWarnedOfOnce(t *testing.T) {
	f := newFixture(t)
	pod := f.up()
	f.reconcile()
	f.events.take()
	f.seen.PutSurvey(f.key, pod.UID, dfsprobe.LocalShare{Name: "/export", Size: 256 << 20})
	for range 3 {
		f.reconcile()
	}
	if events := f.events.take(); len(events) != 1 || !hasPrefix(events, "Warning "+reasonLocalStoreSizeLow) {
		t.Errorf("events were %q", events)
	}
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
}
