// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"errors"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func onRequest(s *dittofsv1alpha1.DittoServer) { s.Spec.Rollout = dittofsv1alpha1.RolloutOnRequest }

func (f *fixture) annotate(key, value string) {
	f.t.Helper()
	f.edit(func(s *dittofsv1alpha1.DittoServer) { metav1.SetMetaDataAnnotation(&s.ObjectMeta, key, value) })
}

func (f *fixture) config() string {
	f.t.Helper()
	return get(f, &corev1.ConfigMap{}, "files-config").Data[render.ConfigKey]
}

func TestOnRequestAChangeWaitsWithItsConfigurationUntilItIsAskedFor(t *testing.T) {
	f := newFixture(t, onRequest)
	f.up()
	before, config := f.set(), f.config()
	f.events.take()
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.ControlPlane.Port = ptr.To[int32](9443) })
	for range 2 {
		f.reconcile()
	}
	if after := f.set(); after.Generation != before.Generation || f.config() != config {
		t.Errorf("the StatefulSet went from generation %d to %d, the configuration is\n%s", before.Generation, after.Generation, f.config())
	}
	if ports := get(f, &corev1.Service{}, "files-api").Spec.Ports; ports[0].Port != 8080 {
		t.Errorf("the Service leads to %d, where nobody listens", ports[0].Port)
	}
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonRolloutPending,
		"spec.rollout: OnRequest", "kubectl annotate dittoservers.dittofs.io files -n "+f.key.Namespace+" dittofs.io/rollout=now", "config-hash")
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
	if url := f.server().Status.Endpoints.API; !strings.HasSuffix(url, ":8080") {
		t.Errorf("the endpoint is %s", url)
	}
	if events := f.events.take(); !hasPrefix(events, "Normal RolloutPending") || len(events) != 1 {
		t.Errorf("events were %q", events)
	}

	f.annotate(dittofsv1alpha1.AnnotationRollout, dittofsv1alpha1.RolloutNow)
	f.reconcile()
	if after := f.set(); after.Generation == before.Generation || !strings.Contains(f.config(), "9443") {
		t.Errorf("it was not carried out: generation %d, configuration\n%s", after.Generation, f.config())
	}
	if _, still := f.server().Annotations[dittofsv1alpha1.AnnotationRollout]; still {
		t.Error("the request is still there")
	}
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionTrue, reasonRollingOut)
	// The next change waits again.
	generation := f.set().Generation
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "example.com/dfs:1" })
	f.reconcile()
	if f.set().Generation != generation {
		t.Error("the next change did not wait")
	}
}

func TestOnRequestWhatRestartsNothingIsDoneAtOnce(t *testing.T) {
	f := newFixture(t, onRequest)
	f.up()
	f.edit(func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Service.Annotations = map[string]string{"a": "b"}
		s.Spec.Replicas = ptr.To[int32](0)
		s.Spec.Image = "example.com/dfs:1"
	})
	f.reconcile()
	set := f.set()
	if *set.Spec.Replicas != 0 || get(f, &corev1.Service{}, "files-api").Annotations["a"] != "b" {
		t.Error("the stop or the annotation waits")
	}
	if set.Spec.Template.Spec.Containers[0].Image == "example.com/dfs:1" {
		t.Error("the image did not wait while the pod was there")
	}
	// A server without a pod has nothing to restart.
	set.Status = appsv1.StatefulSetStatus{ObservedGeneration: set.Generation}
	f.do(f.admin.Status().Update(t.Context(), set))
	f.reconcile()
	if got := f.set().Spec.Template.Spec.Containers[0].Image; got != "example.com/dfs:1" {
		t.Errorf("stopped, it has the image %s", got)
	}
}

func TestARequestWithNothingToDoIsTakenAway(t *testing.T) {
	f := newFixture(t)
	f.up()
	generation := f.set().Generation
	f.annotate(dittofsv1alpha1.AnnotationRollout, dittofsv1alpha1.RolloutNow)
	f.reconcile()
	if _, still := f.server().Annotations[dittofsv1alpha1.AnnotationRollout]; still || f.set().Generation != generation {
		t.Errorf("still there: %t; generation %d, it was %d", still, f.set().Generation, generation)
	}
}

func TestARequestOutlivesWhatItCannotBeCarriedOutFor(t *testing.T) {
	f := newFixture(t, onRequest)
	f.up()
	f.edit(func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Identity.JWT.SecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "later", Key: "k"}
		metav1.SetMetaDataAnnotation(&s.ObjectMeta, dittofsv1alpha1.AnnotationRollout, dittofsv1alpha1.RolloutNow)
	})
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionFalse, reasonSecretNotFound)
	if _, still := f.server().Annotations[dittofsv1alpha1.AnnotationRollout]; !still {
		t.Fatal("the request is gone")
	}
	hash := f.server().Status.ConfigHash
	f.do(f.admin.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.key.Namespace, Name: "later"},
		StringData: map[string]string{"k": "0123456789012345678901234567890123456789"},
	}))
	f.reconcile()
	if f.server().Status.ConfigHash == hash {
		t.Error("it was not carried out")
	}
}

// newerRelease renders another pod template from the same spec.
func newerRelease(server *dittofsv1alpha1.DittoServer, in render.Inputs) (*render.Objects, error) {
	objects, err := render.All(server, in)
	if err == nil {
		objects.StatefulSet.Spec.Template.Spec.WithTerminationGracePeriodSeconds(999)
		objects.ConfigMap.Data[render.ConfigKey] += "# of the newer release\n"
	}
	return objects, err
}

func (f *fixture) grace() int64 {
	f.t.Helper()
	return *f.set().Spec.Template.Spec.TerminationGracePeriodSeconds
}

func TestANewReleaseRestartsNobodyUntilAskedOrUntilSomethingElseDoes(t *testing.T) {
	tests := []struct {
		name    string
		change  func(*dittofsv1alpha1.DittoServer)
		carried bool
	}{
		{"nothing happens", func(*dittofsv1alpha1.DittoServer) {}, false},
		{"an edit that does not reach the pod", func(s *dittofsv1alpha1.DittoServer) {
			s.Spec.Service.Annotations = map[string]string{"a": "b"}
			s.Spec.Storage.MetadataSize.Add(s.Spec.Storage.MetadataSize.DeepCopy())
		}, false},
		{"an edit that reaches the pod", func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "example.com/dfs:1" }, true},
		{"a request", func(s *dittofsv1alpha1.DittoServer) {
			metav1.SetMetaDataAnnotation(&s.ObjectMeta, dittofsv1alpha1.AnnotationRollout, dittofsv1alpha1.RolloutNow)
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.up()
			old, generation := f.grace(), f.set().Generation
			f.rec.Render = newerRelease
			f.reconcile()
			if f.set().Generation != generation || strings.Contains(f.config(), "newer release") {
				t.Fatal("the new release was carried out")
			}
			f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonRolloutPending, "release", "terminationGracePeriodSeconds")
			f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
			f.host.take()
			f.own.take()
			f.reconcile()
			if writes := append(f.host.take(), f.own.take()...); len(writes) > 0 {
				t.Errorf("holding wrote %q", writes)
			}
			f.edit(tt.change)
			f.reconcile()
			want := old
			if tt.carried {
				want = 999
			}
			if got := f.grace(); got != want || strings.Contains(f.config(), "newer release") != tt.carried {
				t.Errorf("the grace period is %d, want %d; configuration\n%s", got, want, f.config())
			}
		})
	}
}

func TestARotatedSecretCarriesOutWhatANewReleaseHolds(t *testing.T) {
	f := newFixture(t)
	f.up()
	f.rec.Render = newerRelease
	f.reconcile()
	secret := get(f, &corev1.Secret{}, "files-jwt-secret")
	secret.StringData = map[string]string{render.JWTSecretKey: "another-secret-of-more-than-32-bytes"}
	f.do(f.admin.Update(t.Context(), secret))
	f.reconcile()
	if f.grace() != 999 {
		t.Error("it is still held")
	}
}

func TestAReleaseThatReadsSpecsOtherwiseStillRestartsNobody(t *testing.T) {
	f := newFixture(t)
	f.up()
	// What a release with another default or another field leaves on the StatefulSet.
	set := f.set()
	parts := strings.Split(set.Annotations[annotationRenderedFrom], "/")
	if len(parts) != 4 {
		t.Fatalf("the StatefulSet was rendered from %q", set.Annotations[annotationRenderedFrom])
	}
	parts[2] = "a-digest-of-the-older-release"
	f.applyAnnotation(annotationRenderedFrom, strings.Join(parts, "/"))
	f.rec.Render = newerRelease
	old := f.grace()
	f.reconcile()
	// The digest is taken over, so that an edit that does not reach the pod is still told from one that does.
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Service.Annotations = map[string]string{"a": "b"} })
	f.reconcile()
	if f.grace() != old {
		t.Error("the new release was carried out")
	}
}

func (f *fixture) applyAnnotation(key, value string) {
	f.t.Helper()
	patch := `{"metadata":{"annotations":{"` + key + `":"` + value + `"}}}`
	f.do(f.admin.Patch(f.t.Context(), f.set(), client.RawPatch(types.MergePatchType, []byte(patch))))
}

func TestDriftInTheTemplateIsNoRolloutAndIsRevertedAtOnce(t *testing.T) {
	f := newFixture(t, onRequest)
	f.up()
	f.reconcile()
	patch := `{"spec":{"template":{"spec":{"containers":[{"name":"dittofs","image":"example.com/evil:1"}]}}}}`
	f.do(f.admin.Patch(t.Context(), f.set(), client.RawPatch(types.StrategicMergePatchType, []byte(patch))))
	f.reconcile()
	if got := f.set().Spec.Template.Spec.Containers[0].Image; got == "example.com/evil:1" {
		t.Error("the image of somebody else stays")
	}
}

func TestAStatefulSetThatIsRefusedLeavesTheConfigurationAsItIs(t *testing.T) {
	f := newFixture(t)
	f.up()
	config := f.config()
	f.rec.Applier.Writer = refusing{f.rec.Host, apierrors.NewForbidden(appsv1.Resource("statefulsets"), "files", errors.New("a webhook says no"))}
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.ControlPlane.Port = ptr.To[int32](9443) })
	f.reconcile()
	if f.config() != config {
		t.Errorf("the configuration is ahead of its template:\n%s", f.config())
	}
	f.wantCondition(dittofsv1alpha1.ConditionAvailable, metav1.ConditionFalse, reasonApplyRefused, "a webhook says no")
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonBlocked)
	f.rec.Applier.Writer = f.rec.Host
	f.reconcile()
	if !strings.Contains(f.config(), "9443") || f.set().Spec.Template.Spec.Containers[0].Ports[0].ContainerPort != 9443 {
		t.Error("it was not carried out when the API took it")
	}
}
