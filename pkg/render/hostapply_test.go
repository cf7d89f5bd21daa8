// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/managedfields/managedfieldstest"
	"k8s.io/client-go/applyconfigurations"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// host is a StatefulSet in an API server, as far as server-side apply and defaults go.
type host struct {
	t       *testing.T
	manager *managedfields.FieldManager
	live    runtime.Object
}

func newHost(t *testing.T, manager *managedfields.FieldManager) *host {
	return &host{t, manager, &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "StatefulSet"}}}
}

func newManager() *managedfields.FieldManager {
	return managedfieldstest.NewFakeFieldManager(applyconfigurations.NewTypeConverter(scheme.Scheme), appsv1.SchemeGroupVersion.WithKind("StatefulSet"))
}

func (h *host) apply(want *appsv1ac.StatefulSetApplyConfiguration) {
	h.t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(want)
	if err != nil {
		h.t.Fatal(err)
	}
	live, err := h.manager.Apply(h.live, &unstructured.Unstructured{Object: content}, v1alpha1.FieldManager, true)
	if err != nil {
		h.t.Fatal(err)
	}
	h.live = live
	set := h.set()
	setDefaults(set)
	if content, err = runtime.DefaultUnstructuredConverter.ToUnstructured(set); err != nil {
		h.t.Fatal(err)
	}
	h.live = &unstructured.Unstructured{Object: content}
}

func (h *host) set() *appsv1.StatefulSet {
	h.t.Helper()
	set := &appsv1.StatefulSet{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(h.live.(*unstructured.Unstructured).Object, set); err != nil {
		h.t.Fatal(err)
	}
	return set
}

func (h *host) owned() *appsv1ac.StatefulSetApplyConfiguration {
	h.t.Helper()
	owned, err := appsv1ac.ExtractStatefulSet(h.set(), v1alpha1.FieldManager)
	if err != nil {
		h.t.Fatal(err)
	}
	return owned
}

// setDefaults does what the API server does to a pod template, for what ours can have.
func setDefaults(set *appsv1.StatefulSet) {
	pod := &set.Spec.Template.Spec
	if pod.ServiceAccountName == "" {
		pod.ServiceAccountName = pod.DeprecatedServiceAccount
	}
	pod.DeprecatedServiceAccount = pod.ServiceAccountName
	for i := range pod.Containers {
		for _, probe := range []*corev1.Probe{pod.Containers[i].StartupProbe, pod.Containers[i].LivenessProbe, pod.Containers[i].ReadinessProbe} {
			probe.SuccessThreshold = 1
			if get := probe.HTTPGet; get != nil && get.Scheme == "" {
				get.Scheme = corev1.URISchemeHTTP
			}
		}
		for _, env := range pod.Containers[i].Env {
			if env.ValueFrom != nil && env.ValueFrom.FieldRef != nil {
				setDefault(&env.ValueFrom.FieldRef.APIVersion, "v1")
			}
		}
	}
	setItems := func(items []corev1.DownwardAPIVolumeFile) {
		for _, item := range items {
			if item.FieldRef != nil {
				setDefault(&item.FieldRef.APIVersion, "v1")
			}
		}
	}
	mode := new(int32(420))
	for i := range pod.Volumes {
		switch v := &pod.Volumes[i]; {
		case v.ConfigMap != nil:
			setDefault(&v.ConfigMap.DefaultMode, mode)
		case v.Secret != nil:
			setDefault(&v.Secret.DefaultMode, mode)
		case v.Projected != nil:
			setDefault(&v.Projected.DefaultMode, mode)
			for _, source := range v.Projected.Sources {
				if source.DownwardAPI != nil {
					setItems(source.DownwardAPI.Items)
				}
			}
		case v.DownwardAPI != nil:
			setDefault(&v.DownwardAPI.DefaultMode, mode)
			setItems(v.DownwardAPI.Items)
		case v.Ephemeral != nil:
			setDefault(&v.Ephemeral.VolumeClaimTemplate.Spec.VolumeMode, new(corev1.PersistentVolumeFilesystem))
			for name, size := range v.Ephemeral.VolumeClaimTemplate.Spec.Resources.Requests {
				size.RoundUp(resource.Milli)
				v.Ephemeral.VolumeClaimTemplate.Spec.Resources.Requests[name] = size
			}
		}
	}
}

func setDefault[T comparable](field *T, value T) {
	var none T
	if *field == none {
		*field = value
	}
}

// templates are StatefulSets with everything that the API server completes in a place of its own.
func templates(t *testing.T) map[string]*appsv1ac.StatefulSetApplyConfiguration {
	t.Helper()
	sets := map[string]*appsv1ac.StatefulSetApplyConfiguration{}
	for _, tc := range rendered {
		server, in := tc.read(t)
		sets[tc.file] = all(t, server, in).StatefulSet
	}
	secret := corev1.LocalObjectReference{Name: "x"}
	items := []corev1.DownwardAPIVolumeFile{{Path: "x", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}},
		{Path: "y", ResourceFieldRef: &corev1.ResourceFieldSelector{ContainerName: "dittofs", Resource: "limits.memory"}}}
	size := corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1.0005Gi")}
	for name, volume := range map[string]corev1.VolumeSource{
		"configMap": {ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: secret}},
		"secret":    {Secret: &corev1.SecretVolumeSource{SecretName: "x"}},
		"projected": {Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{Secret: &corev1.SecretProjection{LocalObjectReference: secret}}, {DownwardAPI: &corev1.DownwardAPIProjection{Items: items}}}}},
		"downwardAPI": {DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: items}},
		"ephemeral": {Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{
			Spec: corev1.PersistentVolumeClaimSpec{Resources: corev1.VolumeResourceRequirements{Requests: size}}}}},
	} {
		server := minimal(func(s *v1alpha1.DittoServerSpec) {
			s.ServiceAccountName = name + "-account"
			s.ExtraVolumes = []corev1.Volume{{Name: "mine", VolumeSource: volume}}
			s.ExtraEnv = []corev1.EnvVar{{Name: "POD", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}}}
		})
		sets["extra "+name] = all(t, server, render.Inputs{}).StatefulSet
	}
	return sets
}

// What is extracted from an applied object must be what was sent, or it would be sent again and again.
func TestAStatefulSetComesBackAsItWasSent(t *testing.T) {
	manager := newManager()
	for name, sent := range templates(t) {
		t.Run(name, func(t *testing.T) {
			host := newHost(t, manager)
			host.apply(sent)
			if diff := cmp.Diff(string(documents(t, sent)), string(documents(t, host.owned()))); diff != "" {
				t.Errorf("-sent +extracted:\n%s", diff)
			}
		})
	}
}

// Whatever was there before, what is applied is what there is: no default of an earlier template stays behind. A probe or
// a volume of two kinds would be refused.
func TestNothingOfAnEarlierTemplateStaysBehind(t *testing.T) {
	sets, manager := templates(t), newManager()
	for from, first := range sets {
		for to, second := range sets {
			if from != "minimal" && to != "minimal" && (!strings.HasPrefix(from, "extra") || !strings.HasPrefix(to, "extra")) {
				continue // parts that have nothing to do with each other
			}
			t.Run(from+" to "+to, func(t *testing.T) {
				fresh, changed := newHost(t, manager), newHost(t, manager)
				fresh.apply(second)
				changed.apply(first)
				changed.apply(second)
				if diff := cmp.Diff(string(documents(t, sorted(fresh.set()))), string(documents(t, sorted(changed.set())))); diff != "" {
					t.Errorf("-as if made anew +changed:\n%s", diff)
				}
			})
		}
	}
}

// sorted is the pod template without the order of its volumes, which says nothing.
func sorted(set *appsv1.StatefulSet) corev1.PodTemplateSpec {
	template := *set.Spec.Template.DeepCopy()
	slices.SortFunc(template.Spec.Volumes, func(a, b corev1.Volume) int { return strings.Compare(a.Name, b.Name) })
	return template
}
