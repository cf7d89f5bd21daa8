// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/upstream"
)

func TestWithoutTheAnnotationTheOperatorsServerIsLeftAlone(t *testing.T) {
	f := newInherited(t, upstream.Operator{})
	before := f.substance()
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonNameConflict,
		"DittoFS operator", "dittofs.io/adopt", "docs/migration.md")
	f.wantSubstance(before)
	f.letGo()
	before = f.substance()
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionAvailable, metav1.ConditionFalse, reasonNameConflict, "Service files-api", "dittofs.io/adopt")
	f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionFalse, reasonNameConflict, "Secret files-jwt-secret", "dittofs.io/adopt")
	f.wantSubstance(before)
}

func TestNothingIsTouchedWhileTheOperatorHoldsAnything(t *testing.T) {
	f := newInherited(t, upstream.Operator{}, adopting)
	for _, last := range f.objects() {
		before := f.substance()
		f.host.take()
		res := f.reconcile()
		if writes := f.host.take(); len(writes) > 0 {
			t.Fatalf("it wrote %q", writes)
		}
		if res.RequeueAfter == 0 || res.RequeueAfter > blockedRetry {
			t.Errorf("it is looked at again after %s", res.RequeueAfter)
		}
		f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonAdoptionBlocked, last.GetName(),
			"(a) Scale", "kubectl delete dittoservers.dittofs.dittofs.com files -n "+f.key.Namespace+" --cascade=orphan --wait=false", LetGoPatch)
		f.wantSubstance(before)
		if allowed, why := f.rec.WritesAllowed(f.key); allowed || !strings.Contains(why, "adopted") {
			t.Errorf("dfs may be written to: %q", why)
		}
		f.release(last)
	}
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonRolloutPending)
}

func TestADatabaseClusterThatTheOperatorHoldsBlocksToo(t *testing.T) {
	if err := installPercona(); err != nil {
		t.Fatal(err)
	}
	f := newInherited(t, upstream.Operator{Parts: []string{"objects", "percona"}, Change: withDatabaseURL}, adopting)
	f.letGo()
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonAdoptionBlocked, ": PerconaPGCluster files-postgres. Nothing")
	cluster := percona{f.fixture, "files-postgres"}
	f.release(cluster.live())
	spec := at(cluster.live(), "spec")
	f.reconcile()
	if labels := cluster.live().GetLabels(); labels[dittofsv1alpha1.LabelServer] != "files" {
		t.Errorf("its labels are %v", labels)
	}
	f.requestWindow()
	f.reconcile()
	if after := at(cluster.live(), "spec"); !sameJSON(t, spec, after) {
		t.Errorf("its spec is %v, was %v", after, spec)
	}
}

func TestAdoptionChangesLabelsAndThePartitionOnly(t *testing.T) {
	f := newInherited(t, upstream.Operator{}, adopting)
	f.letGo()
	before := f.substance()
	f.reconcile()
	f.wantSubstance(before)
	set := f.set()
	if u := set.Spec.UpdateStrategy.RollingUpdate; u == nil || u.Partition == nil || *u.Partition != 1 {
		t.Errorf("the update strategy is %+v", set.Spec.UpdateStrategy)
	}
	for _, obj := range f.objects() {
		_, secret := obj.(*corev1.Secret)
		if labelled := obj.GetLabels()[dittofsv1alpha1.LabelServerUID] == string(f.server().UID); labelled == secret {
			t.Errorf("%T %s has the labels %v", obj, obj.GetName(), obj.GetLabels())
		}
	}
	f.observed()
	f.healthy(f.pod)
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonRolloutPending, "kubectl annotate dittoservers.dittofs.io files",
		"spec.template.metadata.annotations[dittofs.io/config-hash]", "ConfigMap files-config (data[config.yaml]", "Service files-adapter-nfs (", "NetworkPolicy files-adapter-nfs (",
		"Service files-adapter-smb (removed)", "NetworkPolicy files-adapter-smb (removed)")
	status := f.server().Status
	if status.ConfigHash != "" || status.Database == nil || status.Database.Identity != "/data/controlplane/controlplane.db" || len(status.Volumes) != 3 {
		t.Errorf("the status is %+v", status)
	}
	if len(status.Objects) != 11 {
		t.Errorf("the objects are %+v", status.Objects)
	}

	if allowed, why := f.rec.WritesAllowed(f.key); allowed || !strings.Contains(why, "window") {
		t.Errorf("dfs may be written to: %q", why)
	}
	f.host.take()
	f.own.take()
	asked := f.live.asked
	for range 3 {
		f.reconcile()
	}
	if writes := append(f.host.take(), f.own.take()...); len(writes) > 0 || f.live.asked != asked {
		t.Errorf("waiting wrote %q and asked the API %d times", writes, f.live.asked-asked)
	}
	f.wantSubstance(before)
}

// Defaults that the API writes anyway are no changes that somebody wants to read of.
func TestThePlanNamesWhatChangesAndNothingElse(t *testing.T) {
	f := newInherited(t, upstream.Operator{}, adopting)
	f.waiting()
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonRolloutPending, "spec.template.spec.containers[dittofs].lifecycle.preStop.exec")
	for _, c := range f.server().Status.Conditions {
		for _, noise := range []string{"terminationMessage", "dnsPolicy", "schedulerName", "restartPolicy", "sessionAffinity", "revisionHistoryLimit", "volumeClaimTemplates", "image"} {
			if strings.Contains(c.Message, noise) {
				t.Errorf("%s speaks of %s: %s", c.Type, noise, c.Message)
			}
		}
	}
}

func TestTheWindowRestartsThePodOnceAndLeavesNothingOfTheOperator(t *testing.T) {
	f := newInherited(t, upstream.Operator{}, adopting)
	// Somebody has edited the operator's object by hand, under a name of their own.
	set := f.set()
	set.Spec.Template.Spec.Containers[0].Env = append(set.Spec.Template.Spec.Containers[0].Env, corev1.EnvVar{Name: "GODEBUG", Value: "http2client=0"})
	f.do(f.admin.Update(t.Context(), set, client.FieldOwner("kubectl-edit")))
	// A cloud has put what it needs on a Service.
	service := get(f.fixture, &corev1.Service{}, "files-adapter-nfs")
	f.do(f.admin.Patch(t.Context(), service, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"cloud.example/lb":"17"},"finalizers":["service.kubernetes.io/load-balancer-cleanup"]}}`)),
		client.FieldOwner("cloud-controller-manager")))
	f.waiting()
	ports := get(f.fixture, &corev1.Service{}, "files-adapter-nfs").Spec.Ports
	address := get(f.fixture, &corev1.Service{}, "files-api").Spec
	generation := f.set().Generation
	secret := get(f.fixture, &corev1.Secret{}, "files-jwt-secret").ResourceVersion

	f.requestWindow()
	f.reconcile()
	if f.set().Generation != generation+1 {
		t.Errorf("the StatefulSet was changed %d times", f.set().Generation-generation)
	}
	set = f.set()
	if u := set.Spec.UpdateStrategy.RollingUpdate; u != nil && u.Partition != nil && *u.Partition != 0 {
		t.Errorf("the partition is %d", *u.Partition)
	}
	c := f.container()
	if len(c.Ports) != 1 || c.Lifecycle.PreStop.Exec != nil || c.ReadinessProbe.InitialDelaySeconds != 0 ||
		slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == "GODEBUG" }) {
		t.Errorf("something is left of what was there: %+v", c)
	}
	if f.server().Annotations[dittofsv1alpha1.AnnotationRollout] != "" {
		t.Error("the request is still there")
	}
	for _, obj := range []client.Object{set, get(f.fixture, &corev1.ConfigMap{}, "files-config"), get(f.fixture, &networkingv1.NetworkPolicy{}, "files-baseline")} {
		for _, entry := range obj.GetManagedFields() {
			if entry.Operation == metav1.ManagedFieldsOperationUpdate && entry.Subresource == "" && entry.Manager != "kube-controller-manager" {
				t.Errorf("%s still has fields of %s", obj.GetName(), entry.Manager)
			}
		}
	}
	if after := get(f.fixture, &corev1.Service{}, "files-api").Spec; after.ClusterIP != address.ClusterIP {
		t.Errorf("the API Service has the address %s, had %s", after.ClusterIP, address.ClusterIP)
	}
	f.wantPorts(ports)
	if get(f.fixture, &corev1.Secret{}, "files-jwt-secret").ResourceVersion != secret {
		t.Error("the JWT Secret was written")
	}

	// The new pod comes, and all is at rest.
	f.do(f.admin.Delete(t.Context(), f.pod, client.GracePeriodSeconds(0)))
	f.healthy(f.runPod())
	f.reconcile()
	f.balance()
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonUpToDate)
	f.host.take()
	f.own.take()
	asked := f.live.asked
	f.reconcile()
	if writes := append(f.host.take(), f.own.take()...); len(writes) > 0 || f.live.asked != asked {
		t.Errorf("at rest it wrote %q and asked the API %d times", writes, f.live.asked-asked)
	}
	if f.server().Status.ConfigHash == "" {
		t.Error("the server does not count as set up")
	}
	if allowed, why := f.rec.WritesAllowed(f.key); !allowed {
		t.Errorf("dfs may not be written to: %s", why)
	}
}

// wantPorts checks the Service of NFS after the window: those ports that stay have their node ports, UDP has a Service of its own.
func (f inherited) wantPorts(before []corev1.ServicePort) {
	f.t.Helper()
	service := get(f.fixture, &corev1.Service{}, "files-adapter-nfs")
	if service.Annotations["cloud.example/lb"] != "17" || len(service.Finalizers) != 1 {
		f.t.Errorf("what the cloud wrote is gone: %v %v", service.Annotations, service.Finalizers)
	}
	if service.Spec.Type != corev1.ServiceTypeLoadBalancer {
		f.t.Errorf("the type is %s", service.Spec.Type)
	}
	for _, p := range service.Spec.Ports {
		if p.Protocol == corev1.ProtocolUDP {
			f.t.Errorf("there is a UDP port: %+v", p)
		}
		for _, was := range before {
			if was.Port == p.Port && was.Protocol == p.Protocol && was.NodePort != p.NodePort {
				f.t.Errorf("port %d has the node port %d, had %d", p.Port, p.NodePort, was.NodePort)
			}
		}
	}
}

func TestTheMetricsServiceStaysOrGoesAsTheSpecAsks(t *testing.T) {
	for name, metrics := range map[string]*dittofsv1alpha1.MetricsSpec{"with metrics": {Enabled: true}, "without": nil} {
		t.Run(name, func(t *testing.T) {
			f := newInherited(t, upstream.Operator{Parts: []string{"objects", "metrics"}}, adopting, func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.Metrics = metrics
				dittofsv1alpha1.SetObjectDefaults_DittoServer(s)
			})
			f.waiting()
			address := get(f.fixture, &corev1.Service{}, "files-metrics").Spec.ClusterIP
			f.requestWindow()
			f.reconcile()
			service := &corev1.Service{}
			if gone := f.gone(service, "files-metrics"); gone != (metrics == nil) || !gone && service.Spec.ClusterIP != address {
				t.Errorf("gone: %t, its address is %s and was %s", gone, service.Spec.ClusterIP, address)
			}
		})
	}
}

func TestAnObjectOfSomebodyElseIsNotAdopted(t *testing.T) {
	for name, change := range map[string]func(*appsv1.StatefulSet){
		"another selector": func(s *appsv1.StatefulSet) {
			s.Spec.Selector.MatchLabels = map[string]string{"app": "mine"}
			s.Spec.Template.Labels = map[string]string{"app": "mine"}
		},
		"a label of who has it": func(s *appsv1.StatefulSet) { s.Labels = map[string]string{dittofsv1alpha1.LabelManagedBy: "Helm"} },
		"no dfs in it":          func(s *appsv1.StatefulSet) { s.Spec.Template.Spec.Containers[0].Name = "web" },
	} {
		t.Run(name, func(t *testing.T) {
			f := newInherited(t, upstream.Operator{Change: func(obj client.Object) {
				if set, ok := obj.(*appsv1.StatefulSet); ok {
					change(set)
				}
			}}, adopting)
			f.letGo()
			before := f.substance()
			f.host.take()
			f.reconcile()
			if writes := f.host.take(); len(writes) > 0 {
				t.Errorf("it wrote %q", writes)
			}
			f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonNameConflict, "StatefulSet files")
			f.wantSubstance(before)
		})
	}
}
