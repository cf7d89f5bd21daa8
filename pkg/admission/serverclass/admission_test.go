// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package serverclass

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// world is a store of classes and what jane may do in the namespace team.
type world struct {
	classes map[string]*dittofsv1alpha1.DittoServerClass
	rights  []string // verb and class
	asked   []string
	down    error
}

func (w *world) Get(_ context.Context, name string) (*dittofsv1alpha1.DittoServerClass, error) {
	return w.classes[name], w.down
}

func (w *world) Default(context.Context) (*dittofsv1alpha1.DittoServerClass, error) {
	for _, c := range w.classes {
		if c.Annotations[dittofsv1alpha1.AnnotationDefaultClass] == "true" {
			return c, w.down
		}
	}
	return nil, w.down
}

func (w *world) authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	if a.GetNamespace() != "team" || a.GetUser().GetName() != "jane" || a.GetAPIGroup() != "dittofs.io" || a.GetResource() != "dittoserverclasses" {
		return authorizer.DecisionDeny, "", errors.New("asked about something else")
	}
	question := a.GetVerb() + " " + a.GetName()
	w.asked = append(w.asked, question)
	if slices.Contains(w.rights, question) {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "", nil
}

func (w *world) plugin() *Plugin {
	plugin := New()
	plugin.SetAuthorizer(authorizer.AuthorizerFunc(w.authorize))
	plugin.SetClasses(w)
	return plugin
}

func classNamed(name string, edits ...func(*dittofsv1alpha1.DittoServerClass)) *dittofsv1alpha1.DittoServerClass {
	c := &dittofsv1alpha1.DittoServerClass{ObjectMeta: metav1.ObjectMeta{Name: name}}
	c.Spec.Defaults.Image = "class:1"
	c.Spec.Limits.Services.Types = &dittofsv1alpha1.AllowedValues{Allowed: []string{"ClusterIP", "LoadBalancer"}}
	for _, edit := range edits {
		edit(c)
	}
	return c
}

func byDefault(c *dittofsv1alpha1.DittoServerClass) {
	c.Annotations = map[string]string{dittofsv1alpha1.AnnotationDefaultClass: "true"}
}

func server(className *string, edits ...func(*dittofsv1alpha1.DittoServer)) *dittofsv1alpha1.DittoServer {
	s := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Name: "files", Namespace: "team"}}
	s.Spec.ClassName = className
	s.Spec.Storage.MetadataSize = ptr.To(resource.MustParse("1Gi"))
	for _, edit := range edits {
		edit(s)
	}
	return s
}

func nodePort(s *dittofsv1alpha1.DittoServer) { s.Spec.Service.Type = "NodePort" }

func request(s, old *dittofsv1alpha1.DittoServer) admission.Attributes {
	var oldObject runtime.Object
	operation := admission.Create
	if old != nil {
		oldObject, operation = old, admission.Update
	}
	return admission.NewAttributesRecord(s, oldObject, dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer"), "team", "files",
		dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoservers"), "", operation, nil, false, &user.DefaultInfo{Name: "jane"})
}

// run admits and validates, as a request does.
func run(t *testing.T, w *world, s, old *dittofsv1alpha1.DittoServer) error {
	t.Helper()
	plugin, attributes := w.plugin(), request(s, old)
	if err := plugin.Admit(t.Context(), attributes, nil); err != nil {
		return err
	}
	once := s.DeepCopy()
	if err := plugin.Admit(t.Context(), attributes, nil); err != nil {
		t.Fatal(err)
	}
	if s.Spec.Image != once.Spec.Image || !ptr.Equal(s.Spec.ClassName, once.Spec.ClassName) {
		t.Error("admitting twice is not the same as once")
	}
	return plugin.Validate(t.Context(), attributes, nil)
}

func TestAServerGetsItsClass(t *testing.T) {
	for name, c := range map[string]struct {
		classes []*dittofsv1alpha1.DittoServerClass
		server  *dittofsv1alpha1.DittoServer
		rights  []string
		class   string
		image   string
		asked   []string
		refusal string
	}{
		"none is there":                     {server: server(nil), image: "marmos91c/dittofs:v0.29.0"},
		"none is the default":               {classes: []*dittofsv1alpha1.DittoServerClass{classNamed("a")}, server: server(nil), image: "marmos91c/dittofs:v0.29.0"},
		"one that is named":                 {classes: []*dittofsv1alpha1.DittoServerClass{classNamed("a")}, server: server(ptr.To("a")), rights: []string{"use a"}, class: "a", image: "class:1", asked: []string{"use a"}},
		"one that is named, image too":      {classes: []*dittofsv1alpha1.DittoServerClass{classNamed("a")}, server: server(ptr.To("a"), func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "mine:1" }), rights: []string{"use a"}, class: "a", image: "mine:1", asked: []string{"use a"}},
		"the default":                       {classes: []*dittofsv1alpha1.DittoServerClass{classNamed("a", byDefault)}, server: server(nil), rights: []string{"use a"}, class: "a", image: "class:1", asked: []string{"use a"}},
		"the default, without the right":    {classes: []*dittofsv1alpha1.DittoServerClass{classNamed("a", byDefault)}, server: server(nil), refusal: `user "jane" lacks in namespace team: the verb use on DittoServerClass "a" (spec.className)`},
		"one that is not there":             {server: server(ptr.To("a")), refusal: `spec.className: Invalid value: "a": there is no such DittoServerClass`},
		"one that goes":                     {classes: []*dittofsv1alpha1.DittoServerClass{classNamed("a", func(c *dittofsv1alpha1.DittoServerClass) { c.DeletionTimestamp = ptr.To(metav1.Now()) })}, server: server(ptr.To("a")), rights: []string{"use a"}, refusal: "is being deleted"},
		"none although there is a default":  {classes: []*dittofsv1alpha1.DittoServerClass{classNamed("a", byDefault)}, server: server(ptr.To("")), rights: []string{"use a"}, refusal: `goes around the default class, and user "jane" lacks in namespace team: the verb override on DittoServerClass "a"`},
		"the same by who may override":      {classes: []*dittofsv1alpha1.DittoServerClass{classNamed("a", byDefault)}, server: server(ptr.To("")), rights: []string{"override a"}, image: "marmos91c/dittofs:v0.29.0", asked: []string{"override a"}},
		"none where there is no default":    {classes: []*dittofsv1alpha1.DittoServerClass{classNamed("a")}, server: server(ptr.To("")), image: "marmos91c/dittofs:v0.29.0"},
		"beyond its limits":                 {classes: []*dittofsv1alpha1.DittoServerClass{classNamed("a")}, server: server(ptr.To("a"), nodePort), rights: []string{"use a"}, refusal: `spec.service.type: Invalid value: "NodePort": the class "a" allows ClusterIP, LoadBalancer; ask somebody with the verb override on the class if you need another value`},
		"the same by who may override them": {classes: []*dittofsv1alpha1.DittoServerClass{classNamed("a")}, server: server(ptr.To("a"), nodePort), rights: []string{"use a", "override a"}, class: "a", image: "class:1", asked: []string{"use a", "override a"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{classes: map[string]*dittofsv1alpha1.DittoServerClass{}, rights: c.rights}
			for _, class := range c.classes {
				w.classes[class.Name] = class
			}
			err := run(t, w, c.server, nil)
			if c.refusal != "" {
				if err == nil || !strings.Contains(err.Error(), c.refusal) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := ptr.Deref(c.server.Spec.ClassName, ""); got != c.class || c.server.Spec.Image != c.image {
				t.Errorf("the class is %q, the image %q", got, c.server.Spec.Image)
			}
			if !slices.Equal(w.asked, c.asked) {
				t.Errorf("asked was %q", w.asked)
			}
		})
	}
}

func TestAnUpdateIsHeldToWhatItChanges(t *testing.T) {
	stored := func(edits ...func(*dittofsv1alpha1.DittoServer)) *dittofsv1alpha1.DittoServer {
		s := server(ptr.To("a"), edits...)
		s.Spec.Image = "class:0"
		dittofsv1alpha1.CompleteDefaults(s, nil)
		return s
	}
	paused := func(s *dittofsv1alpha1.DittoServer) { s.Spec.Paused = true }
	for name, c := range map[string]struct {
		old, changed *dittofsv1alpha1.DittoServer
		gone         bool
		asked        int
		refusal      string
	}{
		"within the limits":                    {old: stored(), changed: stored(paused)},
		"what was beyond them stays":           {old: stored(nodePort), changed: stored(nodePort, paused)},
		"beyond them":                          {old: stored(), changed: stored(nodePort), asked: 1, refusal: `the class "a" allows ClusterIP`},
		"of labels":                            {old: stored(nodePort), changed: stored(nodePort), gone: true},
		"without its class":                    {old: stored(), changed: stored(paused), gone: true, refusal: `the DittoServerClass "a" of this server is gone`},
		"an image left out stays what it was":  {old: stored(), changed: stored(paused, func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "" })},
		"the class left out stays what it was": {old: stored(), changed: stored(paused, func(s *dittofsv1alpha1.DittoServer) { s.Spec.ClassName = nil })},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{classes: map[string]*dittofsv1alpha1.DittoServerClass{"a": classNamed("a")}}
			if c.gone {
				w.classes = nil
			}
			changed := c.changed.DeepCopy()
			if strings.HasPrefix(name, "an image") {
				changed.Spec.Image = ""
			}
			err := run(t, w, changed, c.old)
			if c.refusal == "" && err != nil || c.refusal != "" && (err == nil || !strings.Contains(err.Error(), c.refusal)) {
				t.Errorf("got %v", err)
			}
			if len(w.asked) != c.asked {
				t.Errorf("asked was %q", w.asked)
			}
			if changed.Spec.Image != "class:0" || ptr.Deref(changed.Spec.ClassName, "") != "a" {
				t.Errorf("the server has image %q and class %v", changed.Spec.Image, changed.Spec.ClassName)
			}
		})
	}
}

func TestWithoutTheStoreOfClassesNothingIsDecided(t *testing.T) {
	w := &world{down: errors.New("etcd is away")}
	err := run(t, w, server(nil), nil)
	if !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "looking for the DittoServerClass: etcd is away") {
		t.Errorf("got %v", err)
	}
}
