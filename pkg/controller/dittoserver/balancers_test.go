// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func balancer(name string, created time.Time) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(created)},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer},
	}
}

func TestALoadBalancerThatStaysPendingIsSaidAndDoesNotBlockReady(t *testing.T) {
	const isTrue, isFalse = metav1.ConditionTrue, metav1.ConditionFalse
	type want struct {
		progressing, degraded metav1.ConditionStatus
		reason                string // of the one that is True
		recheck               time.Duration
		says                  []string
	}
	tests := []struct {
		name   string
		change func(*view)
		want   want
	}{
		{"it is on its way", func(v *view) {
			v.balancers = []*corev1.Service{balancer("files-adapter-nfs", noon.Add(-30*time.Second)), nil}
		}, want{isTrue, isFalse, reasonWaitingForBalancer, 90 * time.Second, []string{"files-adapter-nfs", "since 2026-11-01T11:59:30Z"}}},
		{"it takes too long", func(v *view) {
			v.balancers = []*corev1.Service{balancer("files-adapter-smb", noon.Add(-time.Hour)), balancer("files-adapter-nfs-udp", noon.Add(-2*time.Hour))}
		}, want{isFalse, isTrue, reasonLoadBalancerPending, 0,
			[]string{"files-adapter-nfs-udp", "since 2026-11-01T10:00:00Z", "files-adapter-smb", "spec.adapterServices.type to NodePort or ClusterIP"}}},
		{"that of the API", func(v *view) { v.apiService = balancer("files-api", noon.Add(-time.Hour)) },
			want{isFalse, isTrue, reasonLoadBalancerPending, 0, []string{"files-api", "spec.service.type to NodePort or ClusterIP"}}},
		{"an old Service became one a moment ago", func(v *view) {
			service := balancer("files-adapter-nfs", noon.Add(-time.Hour))
			at := metav1.NewTime(noon.Add(-time.Minute))
			service.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: dittofsv1alpha1.FieldManager, Operation: metav1.ManagedFieldsOperationApply, Time: &at}}
			v.balancers = []*corev1.Service{service}
		}, want{isTrue, isFalse, reasonWaitingForBalancer, time.Minute, []string{"since 2026-11-01T11:59:00Z"}}},
		{"all are there", func(v *view) {
			service := balancer("files-adapter-nfs", noon.Add(-time.Hour))
			service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "10.0.0.9"}}
			v.balancers = []*corev1.Service{service, {Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort}}}
		}, want{isFalse, isFalse, "", 0, nil}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := good()
			tt.change(&v)
			status, recheck := v.status()
			if recheck != tt.want.recheck {
				t.Errorf("the next look is in %s, want %s", recheck, tt.want.recheck)
			}
			if status.Phase != dittofsv1alpha1.PhaseRunning {
				t.Errorf("the phase is %s", status.Phase)
			}
			for condition, wanted := range map[string]metav1.ConditionStatus{
				dittofsv1alpha1.ConditionReady: isTrue, dittofsv1alpha1.ConditionProgressing: tt.want.progressing, dittofsv1alpha1.ConditionDegraded: tt.want.degraded,
			} {
				c := meta.FindStatusCondition(status.Conditions, condition)
				if c.Status != wanted {
					t.Errorf("%s is %s, %s: %s", condition, c.Status, c.Reason, c.Message)
				}
				if condition == dittofsv1alpha1.ConditionReady || c.Status != isTrue {
					continue
				}
				for _, says := range tt.want.says {
					if c.Reason != tt.want.reason || !strings.Contains(c.Message, says) {
						t.Errorf("%s is %s: %s; want %s and %q", condition, c.Reason, c.Message, tt.want.reason, says)
					}
				}
			}
		})
	}
}

func TestAPendingLoadBalancerIsSaidOnceAndAsksForNothingMore(t *testing.T) {
	f := newFixture(t)
	f.up()
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionTrue, reasonWaitingForBalancer, "files-adapter-nfs")
	f.clock.Step(balancerPatience + 10*time.Minute) // the API has a clock of its own
	f.events.take()
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionDegraded, metav1.ConditionTrue, reasonLoadBalancerPending, "NodePort or ClusterIP")
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
	if events := f.events.take(); len(events) != 1 || !hasPrefix(events, "Warning "+reasonLoadBalancerPending) {
		t.Errorf("events were %q", events)
	}
	f.host.take()
	f.own.take()
	for range 3 {
		f.clock.Step(time.Hour)
		if res := f.reconcile(); res.RequeueAfter != 0 {
			t.Errorf("another pass is due in %s", res.RequeueAfter)
		}
	}
	if host, own, events := f.host.take(), f.own.take(), f.events.take(); len(host)+len(own)+len(events) > 0 {
		t.Errorf("at rest it wrote %q and %q and said %q", host, own, events)
	}
	service := get(f, &corev1.Service{}, "files-adapter-nfs")
	service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "10.0.0.9"}}
	f.do(f.admin.Status().Update(t.Context(), service))
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionDegraded, metav1.ConditionFalse, reasonNothingFailed)
	if got := f.server().Status.Adapters[0].Address; got != "10.0.0.9:2049" {
		t.Errorf("the address is %q", got)
	}
}
