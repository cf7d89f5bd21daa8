// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func update(s, old runtime.Object, subresource string) admission.Attributes {
	operation := admission.Update
	if old == nil {
		operation = admission.Create
	}
	return admission.NewAttributesRecord(s, old, dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer"), "team", "files",
		dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoservers"), subresource, operation, nil, false, nil)
}

func annotated(value string) *dittofsv1alpha1.DittoServer {
	s := &dittofsv1alpha1.DittoServer{}
	if value != "" {
		s.Annotations = map[string]string{dittofsv1alpha1.AnnotationAdopt: value}
	}
	return s
}

func TestARequestAdoptsIfTheAnnotationIsNew(t *testing.T) {
	deleted := annotated("")
	deleted.DeletionTimestamp = ptr.To(metav1.Now())
	for name, c := range map[string]struct {
		attributes admission.Attributes
		want       bool
	}{
		"created with it":          {update(annotated("true"), nil, ""), true},
		"created without it":       {update(annotated(""), nil, ""), false},
		"set later":                {update(annotated("true"), annotated(""), ""), true},
		"changed to true":          {update(annotated("true"), annotated("false"), ""), true},
		"it was there before":      {update(annotated("true"), annotated("true"), ""), false},
		"another value":            {update(annotated("yes"), annotated(""), ""), false},
		"taken away":               {update(annotated(""), annotated("true"), ""), false},
		"on what is being deleted": {update(annotated("true"), deleted, ""), false},
		"by the status":            {update(annotated("true"), annotated(""), "status"), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Adopts(c.attributes); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestOnlyAChangedSpecConcernsPlugins(t *testing.T) {
	image := func(name string) *dittofsv1alpha1.DittoServer {
		return &dittofsv1alpha1.DittoServer{Spec: dittofsv1alpha1.DittoServerSpec{Image: name}}
	}
	deleted := image("a")
	deleted.DeletionTimestamp = ptr.To(metav1.Now())
	labelled := image("a")
	labelled.Labels = map[string]string{"a": "b"}
	for name, c := range map[string]struct {
		attributes admission.Attributes
		want       bool
	}{
		"a create":               {update(image("a"), nil, ""), true},
		"another image":          {update(image("b"), image("a"), ""), true},
		"a label":                {update(labelled, image("a"), ""), false},
		"an object that goes":    {update(image("b"), deleted, ""), false},
		"a status":               {update(image("b"), image("a"), "status"), false},
		"a delete has no object": {update(nil, image("a"), ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			if server, _ := Changed(c.attributes); (server != nil) != c.want {
				t.Errorf("got %v", server)
			}
		})
	}
}
