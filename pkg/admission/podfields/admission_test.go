// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package podfields

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

type edit = func(*dittofsv1alpha1.DittoServerSpec)

func server(edits ...edit) *dittofsv1alpha1.DittoServer {
	s := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Name: "files", Namespace: "team"}}
	s.Spec.Image = "dfs:v1"
	for _, edit := range edits {
		edit(&s.Spec)
	}
	return s
}

func image(s *dittofsv1alpha1.DittoServerSpec) { s.Image = "dfs:v2" }
func tolerant(s *dittofsv1alpha1.DittoServerSpec) {
	s.Tolerations = []corev1.Toleration{{Key: "a", Operator: "Is"}}
}

func container(context corev1.SecurityContext) edit {
	return func(s *dittofsv1alpha1.DittoServerSpec) { s.SecurityContext = &context }
}

func attributes(s, old *dittofsv1alpha1.DittoServer) admission.Attributes {
	var oldObject runtime.Object
	operation := admission.Create
	if old != nil {
		oldObject, operation = old, admission.Update
	}
	return admission.NewAttributesRecord(s, oldObject, dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer"), "team", "files",
		dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoservers"), "", operation, nil, true, nil)
}

type recorder struct{ texts []string }

func (r *recorder) AddWarning(_, text string) { r.texts = append(r.texts, text) }

// newPlugin talks to a host that answers with err, and keeps what it was asked.
func newPlugin(t *testing.T, err error) (*Plugin, *[]*corev1.PodTemplate) {
	t.Helper()
	client, asked := fake.NewClientset(), &[]*corev1.PodTemplate{}
	client.PrependReactor("create", "podtemplates", func(action clienttesting.Action) (bool, runtime.Object, error) {
		create := action.(clienttesting.CreateActionImpl)
		if !slices.Equal(create.CreateOptions.DryRun, []string{metav1.DryRunAll}) || create.Namespace != "team" {
			t.Errorf("this would be stored: %+v", create)
		}
		*asked = append(*asked, create.Object.(*corev1.PodTemplate))
		return true, create.Object, err
	})
	plugin, failed := New()
	if failed != nil {
		t.Fatal(failed)
	}
	plugin.SetExternalKubeClientSet(client)
	if err := plugin.ValidateInitialization(); err != nil {
		t.Fatal(err)
	}
	return plugin, asked
}

// invalid is what kube-apiserver answers.
func invalid(errs ...*field.Error) error {
	return apierrors.NewInvalid(corev1.SchemeGroupVersion.WithKind("PodTemplate").GroupKind(), "dittofs-admission-x", errs)
}

func causes(err error) map[string]string {
	found := map[string]string{}
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Details != nil {
		for _, cause := range status.Status().Details.Causes {
			found[cause.Field] = cause.Message
		}
	}
	return found
}

func TestTheHostIsAskedWhenAFieldOfThePodIsSetAndChanges(t *testing.T) {
	for name, c := range map[string]struct {
		server, old *dittofsv1alpha1.DittoServer
		asked       bool
	}{
		"none is set":                     {server: server()},
		"one is set":                      {server: server(tolerant), asked: true},
		"another thing changes":           {server: server(tolerant, image), old: server(tolerant)},
		"one is added":                    {server: server(tolerant), old: server(), asked: true},
		"one of two is taken away":        {server: server(tolerant), old: server(tolerant, container(corev1.SecurityContext{})), asked: true},
		"the last one is taken away":      {server: server(), old: server(tolerant)},
		"empty and left out are the same": {server: server(func(s *dittofsv1alpha1.DittoServerSpec) { s.ExtraEnv = []corev1.EnvVar{} }), old: server()},
		"what is being deleted is not looked": {server: server(tolerant), old: func() *dittofsv1alpha1.DittoServer {
			s := server()
			s.DeletionTimestamp = ptr.To(metav1.Now())
			return s
		}()},
	} {
		t.Run(name, func(t *testing.T) {
			plugin, asked := newPlugin(t, nil)
			if err := plugin.Validate(t.Context(), attributes(c.server, c.old), nil); err != nil {
				t.Error(err)
			}
			if (len(*asked) > 0) != c.asked {
				t.Errorf("asked with %v", *asked)
			}
		})
	}
}

func TestTheHostChecksEveryFieldOfThePod(t *testing.T) {
	full := func(s *dittofsv1alpha1.DittoServerSpec) {
		tolerant(s)
		s.PodLabels, s.PodAnnotations = map[string]string{"l": "1"}, map[string]string{"a": "1"}
		s.NodeSelector = map[string]string{"n": "1"}
		s.ExtraEnv = []corev1.EnvVar{{Name: "E"}}
		s.ExtraVolumes = []corev1.Volume{{Name: "v"}}
		s.ExtraVolumeMounts = []corev1.VolumeMount{{Name: "v", MountPath: "/v"}}
		s.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "p"}}
		s.ImagePullPolicy, s.ServiceAccountName, s.PriorityClassName = corev1.PullAlways, "account", "high"
		s.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}}
		s.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{TopologyKey: "zone"}}
		s.Resources = &corev1.ResourceRequirements{Claims: []corev1.ResourceClaim{{Name: "c"}}}
		s.SecurityContext = &corev1.SecurityContext{RunAsUser: ptr.To[int64](7)}
		s.PodSecurityContext = &corev1.PodSecurityContext{FSGroup: ptr.To[int64](8)}
	}
	plugin, asked := newPlugin(t, nil)
	wanted := server(full)
	before := wanted.DeepCopy()
	if err := plugin.Validate(t.Context(), attributes(wanted, nil), nil); err != nil || len(*asked) != 1 {
		t.Fatalf("asked %d times: %v", len(*asked), err)
	}
	template, spec := (*asked)[0].Template, &before.Spec
	c := template.Spec.Containers[0]
	got := dittofsv1alpha1.DittoServerSpec{
		Image: c.Image, ImagePullPolicy: c.ImagePullPolicy, ImagePullSecrets: template.Spec.ImagePullSecrets,
		PodLabels: template.Labels, PodAnnotations: template.Annotations, NodeSelector: template.Spec.NodeSelector,
		ExtraEnv: c.Env, ExtraVolumes: template.Spec.Volumes, ExtraVolumeMounts: c.VolumeMounts, Tolerations: template.Spec.Tolerations,
		ServiceAccountName: template.Spec.ServiceAccountName, PriorityClassName: template.Spec.PriorityClassName,
		Affinity: template.Spec.Affinity, TopologySpreadConstraints: template.Spec.TopologySpreadConstraints,
		Resources: &c.Resources, SecurityContext: spec.SecurityContext, PodSecurityContext: spec.PodSecurityContext,
	}
	if diff := cmp.Diff(*spec, got); diff != "" {
		t.Errorf("the host does not see what the user wrote:\n%s", diff)
	}
	// What the user sets wins, and what they leave out is as in the real pod.
	context, podContext := c.SecurityContext, template.Spec.SecurityContext
	if *context.RunAsUser != 7 || *context.AllowPrivilegeEscalation || *podContext.FSGroup != 8 || !*podContext.RunAsNonRoot {
		t.Errorf("security contexts %v, %v", context, podContext)
	}
	if diff := cmp.Diff(before, wanted); diff != "" {
		t.Errorf("the plugin changed the object:\n%s", diff)
	}
}

func TestWhatTheHostSaysIsUnderOurPaths(t *testing.T) {
	template := field.NewPath("template")
	spec := template.Child("spec")
	dfs := spec.Child("containers").Index(0)
	var errs []*field.Error
	want := map[string]string{}
	for ours, path := range map[string]*field.Path{
		"spec.tolerations[0].operator":              spec.Child("tolerations").Index(0).Child("operator"),
		"spec.extraEnv[1].name":                     dfs.Child("env").Index(1).Child("name"),
		"spec.extraVolumeMounts[0].mountPath":       dfs.Child("volumeMounts").Index(0).Child("mountPath"),
		"spec.extraVolumes[2].name":                 spec.Child("volumes").Index(2).Child("name"),
		"spec.resources.requests[memory]":           dfs.Child("resources", "requests").Key("memory"),
		"spec.securityContext.runAsUser":            dfs.Child("securityContext", "runAsUser"),
		"spec.podSecurityContext.sysctls[0]":        spec.Child("securityContext", "sysctls").Index(0),
		"spec.imagePullPolicy":                      dfs.Child("imagePullPolicy"),
		"spec.imagePullSecrets[0].name":             spec.Child("imagePullSecrets").Index(0).Child("name"),
		"spec.podLabels":                            template.Child("labels"),
		"spec.podAnnotations":                       template.Child("annotations"),
		"spec.nodeSelector":                         spec.Child("nodeSelector"),
		"spec.topologySpreadConstraints[0].maxSkew": spec.Child("topologySpreadConstraints").Index(0).Child("maxSkew"),
		"spec.affinity.podAffinity":                 spec.Child("affinity", "podAffinity"),
		"spec.serviceAccountName":                   spec.Child("serviceAccountName"),
		"spec.priorityClassName":                    spec.Child("priorityClassName"),
		"spec":                                      spec.Child("volumesOfTomorrow"),
	} {
		err := field.Invalid(path, "x", "must be something else")
		errs, want[ours] = append(errs, err), err.ErrorBody()
	}
	want["spec"] = "in the pod, template.spec.volumesOfTomorrow: " + want["spec"]
	plugin, _ := newPlugin(t, invalid(errs...))
	err := plugin.Validate(t.Context(), attributes(server(tolerant), nil), nil)
	if !apierrors.IsInvalid(err) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(want, causes(err)); diff != "" {
		t.Error(diff)
	}
	for _, part := range []string{`DittoServer.dittofs.io "files" is invalid`, `spec.extraEnv[1].name: Invalid value: "x": must be something else`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
}

func TestWithoutACheckItIsTryAgain(t *testing.T) {
	for name, err := range map[string]error{
		"the host is away":             errors.New("host is away"),
		"we may not":                   apierrors.NewForbidden(corev1.Resource("podtemplates"), "", errors.New("no rights")),
		"a policy of the cluster":      apierrors.NewBadRequest("a webhook does not support dry run"),
		"an answer that names nothing": invalid(),
	} {
		t.Run(name, func(t *testing.T) {
			plugin, _ := newPlugin(t, err)
			got := plugin.Validate(t.Context(), attributes(server(tolerant), nil), nil)
			if !apierrors.IsServiceUnavailable(got) || !strings.Contains(got.Error(), err.Error()) {
				t.Errorf("got %v", got)
			}
			// Other edits go on.
			if err := plugin.Validate(t.Context(), attributes(server(tolerant, image), server(tolerant)), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatTheHostHasTakenIsNotAskedAgain(t *testing.T) {
	good := func(s *dittofsv1alpha1.DittoServerSpec) { s.NodeSelector = map[string]string{"disk": "ssd"} }
	other := func(s *dittofsv1alpha1.DittoServerSpec) { s.NodeSelector = map[string]string{"disk": "hdd"} }
	plugin, asked := newPlugin(t, nil)
	for _, step := range []struct {
		field edit
		asked int
	}{{good, 1}, {good, 1}, {other, 2}, {good, 2}} {
		if err := plugin.Validate(t.Context(), attributes(server(step.field), nil), nil); err != nil {
			t.Fatal(err)
		}
		if len(*asked) != step.asked {
			t.Errorf("asked %d times, want %d", len(*asked), step.asked)
		}
	}
}

func TestARefusalOfTheHostIsAskedForAgain(t *testing.T) {
	plugin, asked := newPlugin(t, apierrors.NewInvalid(corev1.SchemeGroupVersion.WithKind("PodTemplate").GroupKind(), "x",
		field.ErrorList{field.Invalid(field.NewPath("template", "spec", "tolerations").Index(0).Child("operator"), "Is", "no")}))
	for range 2 {
		if err := plugin.Validate(t.Context(), attributes(server(tolerant), nil), nil); err == nil {
			t.Fatal("accepted")
		}
	}
	if len(*asked) != 2 {
		t.Errorf("asked %d times", len(*asked))
	}
}

func TestWithoutAClientTheServerDoesNotStart(t *testing.T) {
	plugin, err := New()
	if err != nil || plugin.ValidateInitialization() == nil {
		t.Errorf("a plugin that cannot work was accepted (%v)", err)
	}
}
