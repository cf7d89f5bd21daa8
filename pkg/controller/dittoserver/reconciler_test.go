// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func TestTheFirstPassCreatesTheSecretsBeforeTheStatefulSet(t *testing.T) {
	f := newFixture(t)
	f.reconcile()
	path := "/api/v1/namespaces/" + f.key.Namespace
	want := []string{
		"POST " + path + "/secrets",
		"POST " + path + "/secrets",
		"PATCH " + path + "/configmaps/files-config",
		"PATCH " + path + "/services/files-headless",
		"PATCH " + path + "/services/files-api",
		"PATCH /apis/apps/v1/namespaces/" + f.key.Namespace + "/statefulsets/files",
		"PATCH /apis/networking.k8s.io/v1/namespaces/" + f.key.Namespace + "/networkpolicies/files-baseline",
	}
	if got := f.host.take(); !slices.Equal(got, want) {
		t.Errorf("writes to the host were\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	jwt := get(f, &corev1.Secret{}, "files-jwt-secret")
	if n := len(jwt.Data[render.JWTSecretKey]); n != 43 {
		t.Errorf("the JWT secret has %d characters, want 43", n)
	}
	admin := get(f, &corev1.Secret{}, "files-admin-bootstrap-credentials")
	if n := len(admin.Data[render.AdminPasswordKey]); n != 24 {
		t.Errorf("the admin password has %d characters, want 24", n)
	}
	status := f.server().Status
	if status.ConfigHash == "" || status.ConfigHash != f.set().Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash] {
		t.Errorf("status.configHash is %q, the template's another", status.ConfigHash)
	}
	if status.Selector != "app=dittofs-server,instance=files" || status.Phase != dittofsv1alpha1.PhasePending {
		t.Errorf("status is %+v", status)
	}
	f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionTrue, reasonConfigApplied)
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonPodMissing, "files-0")
	if events := f.events.take(); !hasPrefix(events, "Normal Created Created Secret files-jwt-secret") {
		t.Errorf("events were %q", events)
	}
}

func TestAtRestNothingIsWritten(t *testing.T) {
	f := newFixture(t, func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Service.Annotations = map[string]string{"example.com/lb": "internal"}
		s.Spec.Resources = &corev1.ResourceRequirements{}
	})
	f.up()
	f.host.take()
	f.own.take()
	f.events.take()
	for range 3 {
		f.reconcile()
	}
	// A new process knows nothing of the last applies.
	f.rec.Applier = &apply.Applier{Cached: f.rec.Host, Live: f.rec.Live, Writer: f.rec.Host}
	f.rec.hashes = hashMemory{}
	f.reconcile()
	if writes := append(f.host.take(), f.own.take()...); len(writes) > 0 {
		t.Errorf("there were writes: %q", writes)
	}
	if events := f.events.take(); len(events) > 0 {
		t.Errorf("there were events: %q", events)
	}
}

func TestDriftInOurFieldsIsRevertedAndTheFieldsOfOthersStay(t *testing.T) {
	f := newFixture(t)
	f.up()
	cm := get(f, &corev1.ConfigMap{}, "files-config")
	config := cm.Data[render.ConfigKey]
	cm.Data[render.ConfigKey] = "drift"
	cm.Data["theirs"] = "stays"
	f.do(f.admin.Update(t.Context(), cm))
	api := get(f, &corev1.Service{}, "files-api")
	api.Spec.Selector["app"] = "evil"
	api.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
	f.do(f.admin.Update(t.Context(), api))

	f.reconcile()
	cm = get(f, &corev1.ConfigMap{}, "files-config")
	if cm.Data[render.ConfigKey] != config || cm.Data["theirs"] != "stays" {
		t.Errorf("the ConfigMap holds %q", cm.Data)
	}
	api = get(f, &corev1.Service{}, "files-api")
	if api.Spec.Selector["app"] != dittofsv1alpha1.AppName || api.Spec.SessionAffinity != corev1.ServiceAffinityClientIP {
		t.Errorf("the Service is %+v", api.Spec)
	}
	f.host.take()
	f.reconcile()
	if writes := f.host.take(); len(writes) > 0 {
		t.Errorf("the pass after the repair wrote %q", writes)
	}
}

func TestRolloutRestartIsNotUndone(t *testing.T) {
	f := newFixture(t)
	f.up()
	const stamp = "kubectl.kubernetes.io/restartedAt"
	patch := client.RawPatch(types.StrategicMergePatchType,
		[]byte(`{"spec":{"template":{"metadata":{"annotations":{"`+stamp+`":"now"}}}}}`))
	f.do(f.admin.Patch(t.Context(), f.set(), patch))
	f.host.take()
	f.reconcile()
	if writes := f.host.take(); len(writes) > 0 {
		t.Errorf("writes: %q", writes)
	}
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "example.com/dfs:1" })
	f.reconcile()
	template := f.set().Spec.Template
	if template.Annotations[stamp] != "now" || template.Spec.Containers[0].Image != "example.com/dfs:1" {
		t.Errorf("the template has annotations %v and image %s", template.Annotations, template.Spec.Containers[0].Image)
	}
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonRollingOut)
}

func TestAnObjectOfSomebodyElseIsLeftAlone(t *testing.T) {
	tests := []struct {
		name      string
		object    client.Object
		condition string
		started   bool
	}{
		{"a ConfigMap holds the server up", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "files-config"}, Data: map[string]string{"a": "b"}},
			dittofsv1alpha1.ConditionConfigReady, false},
		{"a Service does not", &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "files-api"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 1}}}},
			dittofsv1alpha1.ConditionAvailable, true},
		{"a Secret holds the server up", &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "files-jwt-secret"}, Data: map[string][]byte{"jwt-secret": []byte("0123456789012345678901234567890123456789")}},
			dittofsv1alpha1.ConditionConfigReady, false},
		{"the labels of another DittoServer do not make it ours", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "files-config",
			Labels: map[string]string{dittofsv1alpha1.LabelManagedBy: dittofsv1alpha1.ManagedBy, dittofsv1alpha1.LabelServer: "other"}}},
			dittofsv1alpha1.ConditionConfigReady, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			tt.object.SetNamespace(f.key.Namespace)
			f.do(f.admin.Create(t.Context(), tt.object))
			version := tt.object.GetResourceVersion()
			f.reconcile()
			f.reconcile()
			f.do(f.admin.Get(t.Context(), client.ObjectKeyFromObject(tt.object), tt.object))
			if tt.object.GetResourceVersion() != version {
				t.Error("it was changed")
			}
			f.wantCondition(tt.condition, metav1.ConditionFalse, reasonNameConflict, tt.object.GetName())
			f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonNameConflict)
			if f.server().Status.Phase != dittofsv1alpha1.PhaseFailed {
				t.Errorf("phase is %s", f.server().Status.Phase)
			}
			if started := !f.gone(&appsv1.StatefulSet{}, "files"); started != tt.started {
				t.Errorf("the StatefulSet exists: %t, want %t", started, tt.started)
			}
			warnings := 0
			for _, e := range f.events.take() {
				if strings.HasPrefix(e, "Warning NameConflict") {
					warnings++
				}
			}
			if warnings != 1 {
				t.Errorf("%d warnings, want 1", warnings)
			}
		})
	}
}

func TestAfterTheLossOfOurStoreTheSameManifestAdoptsWithoutARestart(t *testing.T) {
	f := newFixture(t)
	f.up()
	before := f.set()
	jwt := get(f, &corev1.Secret{}, "files-jwt-secret")
	// The store is lost: the object is gone without a teardown, and comes back with another UID.
	old := f.server()
	old.Finalizers = nil
	f.do(f.admin.Update(t.Context(), old))
	f.do(f.admin.Delete(t.Context(), old))
	f.rec.forget(f.key)
	f.createServer(old.Annotations[dittofsv1alpha1.AnnotationNamespaceUID])
	f.reconcile()
	after := f.set()
	if after.UID != before.UID || after.Generation != before.Generation {
		t.Errorf("the StatefulSet went from generation %d to %d", before.Generation, after.Generation)
	}
	if got := after.Labels[dittofsv1alpha1.LabelServerUID]; got != string(f.server().UID) {
		t.Errorf("the StatefulSet is labelled with server UID %s", got)
	}
	if now := get(f, &corev1.Secret{}, "files-jwt-secret"); now.ResourceVersion != jwt.ResourceVersion {
		t.Error("the JWT Secret was written")
	}
}

func TestAChangedPortReachesConfigServicesAndPod(t *testing.T) {
	f := newFixture(t)
	f.up()
	hash := f.server().Status.ConfigHash
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.ControlPlane.Port = ptr.To[int32](9443) })
	f.reconcile()
	if c := get(f, &corev1.ConfigMap{}, "files-config").Data[render.ConfigKey]; !strings.Contains(c, "port: 9443") {
		t.Errorf("the configuration is\n%s", c)
	}
	for _, name := range []string{"files-api", "files-headless"} {
		ports := get(f, &corev1.Service{}, name).Spec.Ports
		if len(ports) != 1 || ports[0].Port != 9443 || ports[0].TargetPort.IntVal != 9443 {
			t.Errorf("Service %s has the ports %+v", name, ports)
		}
	}
	if ports := f.set().Spec.Template.Spec.Containers[0].Ports; len(ports) != 1 || ports[0].ContainerPort != 9443 {
		t.Errorf("the container has the ports %+v", ports)
	}
	if f.server().Status.ConfigHash == hash {
		t.Error("the config hash is the same")
	}
	if events := f.events.take(); !hasPrefix(events, "Normal RollingOut") || !hasPrefix(events, "Normal ConfigChanged") {
		t.Errorf("events were %q", events)
	}
}

func TestAnEditThatDfsDoesNotReadRestartsNothing(t *testing.T) {
	f := newFixture(t)
	f.up()
	before := f.set().Generation
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Service.Annotations = map[string]string{"a": "b"} })
	f.reconcile()
	if after := f.set().Generation; after != before {
		t.Errorf("the StatefulSet went from generation %d to %d", before, after)
	}
	if got := get(f, &corev1.Service{}, "files-api").Annotations["a"]; got != "b" {
		t.Errorf("the annotation is %q", got)
	}
}

func TestScaledToZeroItIsStoppedAndSaysSo(t *testing.T) {
	f := newFixture(t)
	pod := f.up()
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Replicas = ptr.To[int32](0) })
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonStopping)
	f.do(f.admin.Delete(t.Context(), pod, client.GracePeriodSeconds(0)))
	set := f.set()
	if *set.Spec.Replicas != 0 {
		t.Fatalf("the StatefulSet has %d replicas", *set.Spec.Replicas)
	}
	set.Status = appsv1.StatefulSetStatus{ObservedGeneration: set.Generation, CurrentRevision: "r", UpdateRevision: "r"}
	f.do(f.admin.Status().Update(t.Context(), set))
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonStopped)
	f.wantCondition(dittofsv1alpha1.ConditionAvailable, metav1.ConditionFalse, reasonStopped)
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonStopped)
	f.wantCondition(dittofsv1alpha1.ConditionAuthenticated, metav1.ConditionUnknown, reasonStopped)
	if phase := f.server().Status.Phase; phase != dittofsv1alpha1.PhaseStopped {
		t.Errorf("phase is %s", phase)
	}
}

func TestObserveOnlyWritesNothing(t *testing.T) {
	f := newFixture(t)
	f.observing = true
	if res := f.reconcile(); res.RequeueAfter == 0 {
		t.Error("it does not look again")
	}
	f.observing = false
	f.up()
	f.host.take()
	f.own.take()
	f.observing = true
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "example.com/dfs:1" })
	f.reconcile()
	server := f.server()
	f.do(f.admin.Delete(t.Context(), server))
	f.reconcile()
	if writes := append(f.host.take(), f.own.take()...); len(writes) > 0 {
		t.Errorf("there were writes: %q", writes)
	}
}
