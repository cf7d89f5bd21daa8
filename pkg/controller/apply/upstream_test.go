// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestWhatTheOperatorHoldsIsNotOursWhateverItsLabelsSay(t *testing.T) {
	ours := map[string]string{dittofsv1alpha1.LabelManagedBy: dittofsv1alpha1.ManagedBy, dittofsv1alpha1.LabelServer: "files"}
	for version, held := range map[string]bool{
		"dittofs.dittofs.com/v1alpha1": true,
		"dittofs.dittofs.com/v2":       true,
		"dittofs.io/v1alpha1":          false,
		"apps/v1":                      false,
		"a/b/c":                        false,
		"":                             false,
	} {
		object := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Labels: ours}}
		if version != "" {
			object.OwnerReferences = []metav1.OwnerReference{{APIVersion: version, Kind: "DittoServer", Name: "files"}}
		}
		if HeldUpstream(object) != held || Ours(object, "files", "") == held || !Labelled(object, "files", "") {
			t.Errorf("owned by %q: held %t, ours %t", version, HeldUpstream(object), Ours(object, "files", ""))
		}
	}
}

// theirs is a ConfigMap that somebody has made, and somebody else has edited and annotated.
func (f *fixture) theirs() *corev1.ConfigMap {
	f.t.Helper()
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: f.server.Namespace, Name: "files-config"}, Data: map[string]string{"a": "1"}}
	if err := f.api.Create(f.t.Context(), cm, client.FieldOwner("manager")); err != nil {
		f.t.Fatal(err)
	}
	for manager, patch := range map[string]string{
		"kubectl-edit": `{"data":{"b":"2"}}`, "cloud": `{"metadata":{"annotations":{"cloud":"3"}}}`,
	} {
		if err := f.api.Patch(f.t.Context(), cm, client.RawPatch(types.MergePatchType, []byte(patch)), client.FieldOwner(manager)); err != nil {
			f.t.Fatal(err)
		}
	}
	return cm
}

func (f *fixture) label(live client.Object) Result {
	f.t.Helper()
	req := Request{Kind: ConfigMaps(), Server: f.server, Name: "files-config"}
	labels := map[string]string{dittofsv1alpha1.LabelManagedBy: dittofsv1alpha1.ManagedBy, dittofsv1alpha1.LabelServer: "files"}
	res, err := f.a.Label(f.t.Context(), req, live, labels, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return res
}

func TestLabelsGoOnAndNothingElseChanges(t *testing.T) {
	f := newFixture(t)
	cm := f.theirs()
	f.expect(f.label(cm), Changed, 1)
	live := f.live()
	if !Ours(live, "files", "") || live.Data["a"] != "1" || live.Data["b"] != "2" || live.Annotations["cloud"] != "3" {
		t.Errorf("it is %+v", live)
	}
	f.expect(f.label(live), Unchanged, 1)

	// What has become ours in between is sent along, or it would go.
	if err := f.a.TakeOver(t.Context(), live); err != nil {
		t.Fatal(err)
	}
	live.Labels = nil
	if err := f.api.Update(t.Context(), live, client.FieldOwner("somebody")); err != nil {
		t.Fatal(err)
	}
	f.expect(f.label(f.live()), Changed, 2)
	if live := f.live(); live.Data["a"] != "1" || live.Data["b"] != "2" || !Ours(live, "files", "") {
		t.Errorf("it is %+v", live)
	}
}

func TestAnObjectThatChangedMeanwhileIsNotLabelled(t *testing.T) {
	f := newFixture(t)
	old := f.theirs()
	live := f.live()
	live.Data["a"] = "x"
	if err := f.api.Update(t.Context(), live); err != nil {
		t.Fatal(err)
	}
	req := Request{Kind: ConfigMaps(), Server: f.server, Name: "files-config"}
	if _, err := f.a.Label(t.Context(), req, old, map[string]string{"a": "b"}, nil); !IsReplaced(err) {
		t.Errorf("the label gave %v", err)
	}
}

func TestWhatWasTakenOverGoesWithTheNextApply(t *testing.T) {
	for _, takenOver := range []bool{false, true} {
		f := newFixture(t)
		live := f.label(f.theirs()).Live
		if takenOver {
			if err := f.a.TakeOver(t.Context(), live); err != nil {
				t.Fatal(err)
			}
		}
		f.ensure(f.want("9"))
		after := f.live()
		if _, left := after.Data["b"]; left == takenOver || after.Data["a"] != "9" {
			t.Errorf("taken over %t: the data is %v", takenOver, after.Data)
		}
		if after.Annotations["cloud"] != "3" {
			t.Errorf("who wrote metadata only has lost it: %v", after.Annotations)
		}
	}
}

func TestAPreviewNamesWhatAnApplyWouldChange(t *testing.T) {
	f := newFixture(t)
	labels := map[string]string{"app": "x"}
	container := func(env ...corev1.EnvVar) corev1.Container {
		return corev1.Container{Name: "dfs", Image: "i", Env: env, Ports: []corev1.ContainerPort{{Name: "api", ContainerPort: 8080}, {Name: "old", ContainerPort: 1}}}
	}
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: f.server.Namespace, Name: "files"}, Spec: appsv1.StatefulSetSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
			Containers: []corev1.Container{container(corev1.EnvVar{Name: "KEPT", Value: "1"}, corev1.EnvVar{Name: "OLD", Value: "1"})},
		}},
	}}
	if err := f.api.Create(t.Context(), set, client.FieldOwner("manager")); err != nil {
		t.Fatal(err)
	}
	want := appsv1ac.StatefulSet("files", f.server.Namespace).WithSpec(appsv1ac.StatefulSetSpec().WithReplicas(1).
		WithPersistentVolumeClaimRetentionPolicy(appsv1ac.StatefulSetPersistentVolumeClaimRetentionPolicy().
			WithWhenDeleted(appsv1.RetainPersistentVolumeClaimRetentionPolicyType).WithWhenScaled(appsv1.RetainPersistentVolumeClaimRetentionPolicyType)).
		WithSelector(metav1ac.LabelSelector().WithMatchLabels(labels)).
		WithTemplate(corev1ac.PodTemplateSpec().WithLabels(labels).WithSpec(corev1ac.PodSpec().
			WithEnableServiceLinks(false).WithTerminationGracePeriodSeconds(30).
			WithContainers(corev1ac.Container().WithName("dfs").WithImage("i").
				WithEnv(corev1ac.EnvVar().WithName("NEW").WithValue("1"), corev1ac.EnvVar().WithName("KEPT").WithValue("1")).
				WithPorts(corev1ac.ContainerPort().WithName("api").WithContainerPort(8080).WithProtocol(corev1.ProtocolTCP))))))
	paths, err := Preview(StatefulSets(), set, want)
	if err != nil {
		t.Fatal(err)
	}
	if expected := []string{
		"spec.template.spec.containers[dfs].env[NEW]", "spec.template.spec.containers[dfs].env[OLD]",
		"spec.template.spec.containers[dfs].ports[old]", "spec.template.spec.enableServiceLinks", "spec.updateStrategy",
	}; !slices.Equal(paths, expected) {
		t.Errorf("the paths are %q, want %q", paths, expected)
	}
}
