// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/controllertest"
)

var plane *controllertest.Plane

func TestMain(m *testing.M) {
	var err error
	if plane, err = controllertest.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = plane.Stop()
	os.Exit(code)
}

// frozen is a cache that shows what it was told to, until it is thawed.
type frozen struct {
	client.Reader
	shown  map[string]client.Object
	frozen bool
}

func (c *frozen) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if !c.frozen {
		return c.Reader.Get(ctx, key, obj, opts...)
	}
	shown, ok := c.shown[key.Name]
	if !ok {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, key.Name)
	}
	*obj.(*corev1.ConfigMap) = *shown.(*corev1.ConfigMap).DeepCopy()
	return nil
}

// counter counts applies.
type counter struct {
	client.Writer
	applies int
}

func (c *counter) Apply(ctx context.Context, obj runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
	c.applies++
	return c.Writer.Apply(ctx, obj, opts...)
}

type fixture struct {
	t      *testing.T
	api    client.Client
	cache  *frozen
	writes *counter
	a      *Applier
	server types.NamespacedName
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	api, err := client.New(plane.Config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "t-"}}
	if err := api.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, api: api, cache: &frozen{Reader: api, shown: map[string]client.Object{}}, writes: &counter{Writer: api},
		server: types.NamespacedName{Namespace: ns.Name, Name: "files"}}
	f.a = &Applier{Cached: f.cache, Live: api, Writer: f.writes}
	return f
}

func (f *fixture) want(data string) *corev1ac.ConfigMapApplyConfiguration {
	return corev1ac.ConfigMap("files-config", f.server.Namespace).
		WithLabels(map[string]string{dittofsv1alpha1.LabelManagedBy: dittofsv1alpha1.ManagedBy, dittofsv1alpha1.LabelServer: "files"}).
		WithData(map[string]string{"a": data})
}

func (f *fixture) ensure(want any) Result {
	f.t.Helper()
	res, err := f.a.Ensure(f.t.Context(), Request{Kind: ConfigMaps(), Server: f.server, Name: "files-config", Want: want})
	if err != nil {
		f.t.Fatal(err)
	}
	return res
}

func (f *fixture) expect(res Result, action Action, applies int) {
	f.t.Helper()
	if res.Action != action || f.writes.applies != applies {
		f.t.Errorf("%s after %d applies, want %s after %d (%v)", res.Action, f.writes.applies, action, applies, res.Paths)
	}
}

func (f *fixture) live() *corev1.ConfigMap {
	f.t.Helper()
	cm := &corev1.ConfigMap{}
	if err := f.api.Get(f.t.Context(), types.NamespacedName{Namespace: f.server.Namespace, Name: "files-config"}, cm); err != nil {
		f.t.Fatal(err)
	}
	return cm
}

func TestWhatIsAsWantedIsNotSent(t *testing.T) {
	f := newFixture(t)
	f.expect(f.ensure(f.want("1")), Created, 1)
	f.expect(f.ensure(f.want("1")), Unchanged, 1)
	res := f.ensure(f.want("2"))
	f.expect(res, Changed, 2)
	if !slices.Equal(res.Paths, []string{"data.a"}) {
		t.Errorf("the paths are %v", res.Paths)
	}
	f.expect(f.ensure(f.want("2").WithData(map[string]string{"b": "x"})), Changed, 3)
	// A field that is no longer wanted goes.
	f.expect(f.ensure(f.want("2")), Changed, 4)
	if _, there := f.live().Data["b"]; there {
		t.Error("the field is still there")
	}
}

func TestACacheThatLagsLeadsToNoSecondApply(t *testing.T) {
	f := newFixture(t)
	f.ensure(f.want("1"))
	f.cache.shown["files-config"], f.cache.frozen = f.live(), true
	f.expect(f.ensure(f.want("2")), Changed, 2)
	f.expect(f.ensure(f.want("2")), Waiting, 2)
	f.expect(f.ensure(f.want("3")), Waiting, 2)
	f.cache.frozen = false
	f.expect(f.ensure(f.want("3")), Changed, 3)
	// An object that the cache does not show yet is looked up.
	f.cache.shown, f.cache.frozen = nil, true
	f.expect(f.ensure(f.want("3")), Unchanged, 3)
}

func TestAnotherObjectOfTheNameIsNotChangedOnTheWordOfTheCache(t *testing.T) {
	f := newFixture(t)
	f.ensure(f.want("1"))
	f.cache.shown["files-config"], f.cache.frozen = f.live(), true
	if err := f.api.Delete(t.Context(), f.live()); err != nil {
		t.Fatal(err)
	}
	foreign := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: f.server.Namespace, Name: "files-config"}}
	if err := f.api.Create(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	_, err := f.a.Ensure(t.Context(), Request{Kind: ConfigMaps(), Server: f.server, Name: "files-config", Want: f.want("2")})
	if !IsReplaced(err) {
		t.Errorf("the apply gave %v, want that it was replaced", err)
	}
	if f.live().ResourceVersion != foreign.ResourceVersion {
		t.Error("the foreign object was changed")
	}
}

func TestWhatWasMadeFromAnObjectThatIsGoneMakesNoOther(t *testing.T) {
	f := newFixture(t)
	req := Request{Kind: ConfigMaps(), Server: f.server, Name: "files-config", Want: f.want("1"), Seen: true}
	res, err := f.a.Ensure(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	f.expect(res, Waiting, 0)
	f.expect(f.ensure(f.want("1")), Created, 1)
}

func TestADryRunSendsNothing(t *testing.T) {
	f := newFixture(t)
	req := Request{Kind: ConfigMaps(), Server: f.server, Name: "files-config", Want: f.want("1"), DryRun: true}
	for range 2 {
		res, err := f.a.Ensure(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		f.expect(res, Planned, 0)
	}
}

// The policy puts a value of its own in the place of ours, in the ConfigMaps of one namespace.
func rewriteIn(t *testing.T, api client.Client, namespace string) {
	t.Helper()
	name := "rewrite-" + namespace
	policy := &admissionv1.MutatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: admissionv1.MutatingAdmissionPolicySpec{
			ReinvocationPolicy: admissionv1.NeverReinvocationPolicy,
			FailurePolicy:      ptr.To(admissionv1.Fail),
			MatchConstraints: &admissionv1.MatchResources{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}},
				ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
					Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
					Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}},
				}}},
			},
			Mutations: []admissionv1.Mutation{{
				PatchType: admissionv1.PatchTypeJSONPatch,
				JSONPatch: &admissionv1.JSONPatch{Expression: `[JSONPatch{op: "add", path: "/data/a", value: "policy"}]`},
			}},
		},
	}
	binding := &admissionv1.MutatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       admissionv1.MutatingAdmissionPolicyBindingSpec{PolicyName: name},
	}
	for _, obj := range []client.Object{policy, binding} {
		if err := api.Create(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}
	// The API server takes a moment to act on a new policy.
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		probe := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "probe-"}, Data: map[string]string{"a": "x"}}
		err := api.Create(ctx, probe, client.DryRunAll)
		return err == nil && probe.Data["a"] == "policy", err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatAPolicyRewritesIsSentOnceAndNotForEver(t *testing.T) {
	f := newFixture(t)
	f.expect(f.ensure(f.want("1")), Created, 1)
	rewriteIn(t, f.api, f.server.Namespace)
	res := f.ensure(f.want("2"))
	f.expect(res, Rewritten, 2)
	if !slices.Equal(res.Paths, []string{"data.a"}) {
		t.Errorf("the paths are %v", res.Paths)
	}
	for range 3 {
		f.expect(f.ensure(f.want("2")), Rewritten, 2)
	}
	// Another wish is sent, and so is the same one after somebody changed the object.
	f.expect(f.ensure(f.want("3")), Rewritten, 3)
	cm := f.live()
	cm.Labels[dittofsv1alpha1.LabelServerUID] = "x"
	delete(cm.Labels, dittofsv1alpha1.LabelServer)
	cm.Labels[dittofsv1alpha1.LabelServer] = "files"
	if err := f.api.Update(t.Context(), cm); err != nil {
		t.Fatal(err)
	}
	f.expect(f.ensure(f.want("3").WithData(map[string]string{"b": "y"})), Rewritten, 4)
	if f.live().Data["b"] != "y" {
		t.Error("what is not rewritten did not arrive")
	}
	// A new process sends once.
	f.a = &Applier{Cached: f.cache, Live: f.api, Writer: f.writes}
	f.expect(f.ensure(f.want("2")), Rewritten, 5)
	f.expect(f.ensure(f.want("2")), Rewritten, 5)
}
