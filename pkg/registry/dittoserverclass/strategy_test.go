// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserverclass

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// cramped has defaults that its limits do not allow a server that says nothing but its size.
func cramped(c *dittofsv1alpha1.DittoServerClass) {
	c.Spec.Limits.StorageClasses = &dittofsv1alpha1.AllowedValues{Allowed: []string{"fast"}}
}

func TestTheGenerationCountsChangesOfTheSpec(t *testing.T) {
	s := newStrategy(runtime.NewScheme())
	created := class("small", func(c *dittofsv1alpha1.DittoServerClass) { c.Generation = 7 })
	if s.PrepareForCreate(t.Context(), created); created.Generation != 1 {
		t.Errorf("created with generation %d", created.Generation)
	}
	labelled := created.DeepCopy()
	labelled.Labels = map[string]string{"a": "b"}
	if s.PrepareForUpdate(t.Context(), labelled, created); labelled.Generation != 1 {
		t.Errorf("labelled it has generation %d", labelled.Generation)
	}
	changed := created.DeepCopy()
	changed.Spec.Limits.ServersPerNamespace = ptr.To[int32](3)
	if s.PrepareForUpdate(t.Context(), changed, created); changed.Generation != 2 {
		t.Errorf("changed it has generation %d", changed.Generation)
	}
	if s.NamespaceScoped() || s.AllowCreateOnUpdate(t.Context()) {
		t.Error("a class is in a namespace, or made by an update")
	}
}

func TestAClassThatNoSmallServerGetsIntoIsWarnedAbout(t *testing.T) {
	s := newStrategy(runtime.NewScheme())
	roomy, narrow := class("small"), class("small", cramped)
	for name, c := range map[string]struct {
		warnings []string
		want     bool
	}{
		"a class without limits":      {s.WarningsOnCreate(t.Context(), roomy), false},
		"a class that becomes narrow": {s.WarningsOnUpdate(t.Context(), narrow, roomy), true},
		"one that is made so":         {s.WarningsOnCreate(t.Context(), narrow), true},
		"one that stays as it was":    {s.WarningsOnUpdate(t.Context(), narrow, narrow.DeepCopy()), false},
	} {
		if got := strings.Join(c.warnings, "; "); strings.Contains(got, "spec.storage.storageClassName") != c.want {
			t.Errorf("%s: warned is %q", name, got)
		}
	}
}

func TestDefaultsBeyondTheOwnLimitsAreRefused(t *testing.T) {
	s := newStrategy(runtime.NewScheme())
	beyond := class("small", func(c *dittofsv1alpha1.DittoServerClass) {
		c.Spec.Defaults.Image = "evil:1"
		c.Spec.Limits.Images = &dittofsv1alpha1.ImageLimits{Allowed: []string{"good:*"}}
	})
	if errs := s.Validate(t.Context(), beyond); len(errs) != 1 || errs[0].Field != "spec.defaults.image" {
		t.Errorf("created: %v", errs)
	}
	if errs := s.ValidateUpdate(t.Context(), beyond, class("small")); len(errs) != 1 {
		t.Errorf("changed: %v", errs)
	}
	negative := class("small", func(c *dittofsv1alpha1.DittoServerClass) {
		c.Spec.Limits.Storage.MaxVolumeSize = ptr.To(resource.MustParse("-1Gi"))
	})
	if errs := s.Validate(t.Context(), negative); len(errs) == 0 {
		t.Error("a limit may be negative")
	}
}

func TestClassesAreSelectedByNameAndDefault(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := AddFieldSelectors(scheme); err != nil {
		t.Fatal(err)
	}
	kind := dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServerClass")
	if _, _, err := scheme.ConvertFieldLabel(kind, "spec.description", "x"); err == nil || !strings.Contains(err.Error(), "supported are metadata.name, isDefault") {
		t.Errorf("another field: %v", err)
	}
	for value, want := range map[string]string{"true": "true", "false": "false", "yes": "false", "": "false"} {
		c := class("small", func(c *dittofsv1alpha1.DittoServerClass) {
			c.Annotations = map[string]string{dittofsv1alpha1.AnnotationDefaultClass: value}
		})
		predicate := match(labels.Everything(), fields.OneTermEqualSelector(FieldDefault, want))
		if matched, err := predicate.Matches(c); !matched || err != nil {
			t.Errorf("with the annotation %q it is not selected by %s: %v", value, want, err)
		}
	}
	if _, _, err := attributes(&dittofsv1alpha1.DittoServer{}); err == nil {
		t.Error("a DittoServer has the attributes of a class")
	}
}

func TestReadsAskForTheLastChangeOfThisProcess(t *testing.T) {
	w, store := &written{}, &genericregistry.Store{}
	w.watch(store)
	at := func(version string) *dittofsv1alpha1.DittoServerClass {
		return &dittofsv1alpha1.DittoServerClass{ObjectMeta: metav1.ObjectMeta{ResourceVersion: version}}
	}
	for _, step := range []struct {
		change func()
		want   string
	}{
		{func() {}, "0"},
		{func() { store.AfterCreate(at("10"), nil) }, "10"},
		{func() { store.AfterUpdate(at("12"), nil) }, "12"},
		{func() { store.AfterUpdate(at("11"), nil) }, "12"}, // a slower one
		{func() { store.AfterDelete(at("20"), nil) }, "20"},
		{func() { store.AfterCreate(at(""), nil) }, "20"}, // a dry run
		{func() { store.AfterCreate(&runtime.Unknown{}, nil) }, "20"},
	} {
		if step.change(); w.Written() != step.want {
			t.Errorf("reads ask for %s, want %s", w.Written(), step.want)
		}
	}
}
