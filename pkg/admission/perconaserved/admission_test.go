// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package perconaserved

import (
	"errors"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	testingclock "k8s.io/utils/clock/testing"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func server(image string, percona *dittofsv1alpha1.PerconaSpec) *dittofsv1alpha1.DittoServer {
	return &dittofsv1alpha1.DittoServer{
		ObjectMeta: metav1.ObjectMeta{Name: "files", Namespace: "team"},
		Spec:       dittofsv1alpha1.DittoServerSpec{Image: image, Percona: percona},
	}
}

func attributes(s, old *dittofsv1alpha1.DittoServer) admission.Attributes {
	var oldObject runtime.Object
	operation := admission.Create
	if old != nil {
		oldObject, operation = old, admission.Update
	}
	return admission.NewAttributesRecord(s, oldObject, dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer"), "team", "files",
		dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoservers"), "", operation, nil, false, nil)
}

func newPlugin(t *testing.T, resources ...*metav1.APIResourceList) (*Plugin, *fake.Clientset, *testingclock.FakePassiveClock) {
	t.Helper()
	client, clock := fake.NewClientset(), testingclock.NewFakePassiveClock(time.Unix(1000, 0))
	client.Resources = resources
	plugin := New()
	plugin.SetExternalKubeClientSet(client)
	plugin.clock = clock
	if err := plugin.ValidateInitialization(); err != nil {
		t.Fatal(err)
	}
	return plugin, client, clock
}

func percona(names ...string) *metav1.APIResourceList {
	list := &metav1.APIResourceList{GroupVersion: "pgv2.percona.com/v2"}
	for _, name := range names {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: name})
	}
	return list
}

var (
	on  = &dittofsv1alpha1.PerconaSpec{Enabled: true}
	off = &dittofsv1alpha1.PerconaSpec{}
)

func TestPerconaNeedsItsOperator(t *testing.T) {
	for name, c := range map[string]struct {
		resources   []*metav1.APIResourceList
		server, old *dittofsv1alpha1.DittoServer
		asked       bool
		refused     bool
	}{
		"no percona":                               {server: server("a", nil)},
		"switched off":                             {server: server("a", off)},
		"the operator is there":                    {resources: []*metav1.APIResourceList{percona("perconapgbackups", "perconapgclusters")}, server: server("a", on), asked: true},
		"there is no such group":                   {server: server("a", on), asked: true, refused: true},
		"the group has no such kind":               {resources: []*metav1.APIResourceList{percona("perconapgbackups")}, server: server("a", on), asked: true, refused: true},
		"switched on later":                        {server: server("a", on), old: server("a", off), asked: true, refused: true},
		"it may go while a server has its records": {server: server("b", on), old: server("a", on)},
	} {
		t.Run(name, func(t *testing.T) {
			plugin, client, _ := newPlugin(t, c.resources...)
			err := plugin.Validate(t.Context(), attributes(c.server, c.old), nil)
			if c.refused != apierrors.IsInvalid(err) || !c.refused && err != nil {
				t.Fatalf("got %v", err)
			}
			if c.refused && !strings.Contains(err.Error(), "spec.percona.enabled: Invalid value: true: install the Percona operator first: the cluster does not serve perconapgclusters.pgv2.percona.com/v2") {
				t.Errorf("got %v", err)
			}
			if asked := len(client.Actions()) > 0; asked != c.asked {
				t.Errorf("asked the host: %v", asked)
			}
		})
	}
}

func TestWhatTheHostAnsweredIsKeptForAWhile(t *testing.T) {
	plugin, client, clock := newPlugin(t)
	ask := func() error { return plugin.Validate(t.Context(), attributes(server("a", on), nil), nil) }
	expect := func(served bool, questions int) {
		t.Helper()
		if err := ask(); (err == nil) != served {
			t.Errorf("got %v", err)
		}
		if got := len(client.Actions()); got != questions {
			t.Errorf("%d questions, want %d", got, questions)
		}
	}
	expect(false, 1)
	client.Resources = []*metav1.APIResourceList{percona("perconapgclusters")}
	clock.SetTime(clock.Now().Add(absentFor - time.Second))
	expect(false, 1)
	clock.SetTime(clock.Now().Add(time.Second))
	expect(true, 2)
	client.Resources = nil
	clock.SetTime(clock.Now().Add(presentFor - time.Second))
	expect(true, 2)
	clock.SetTime(clock.Now().Add(time.Second))
	expect(false, 3)
}

func TestWithoutAnAnswerItIsTryAgainAndNothingIsKept(t *testing.T) {
	plugin, client, _ := newPlugin(t, percona("perconapgclusters"))
	away := true
	client.PrependReactor("get", "resource", func(clienttesting.Action) (bool, runtime.Object, error) {
		if away {
			return true, nil, errors.New("host is away")
		}
		return false, nil, nil
	})
	err := plugin.Validate(t.Context(), attributes(server("a", on), nil), nil)
	if !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "host is away") {
		t.Errorf("got %v", err)
	}
	away = false
	if err := plugin.Validate(t.Context(), attributes(server("a", on), nil), nil); err != nil {
		t.Error(err)
	}
}

func TestWithoutAClientTheServerDoesNotStart(t *testing.T) {
	if New().ValidateInitialization() == nil {
		t.Error("a plugin that cannot work was accepted")
	}
}
