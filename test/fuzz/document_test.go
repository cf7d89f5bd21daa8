// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// FuzzDocument takes bytes as the manifest of an object.
func FuzzDocument(f *testing.F) {
	for _, document := range seeds(f) {
		f.Add(document)
	}
	s := newPipeline()
	stored := s.stored(f)
	f.Fuzz(func(t *testing.T, document []byte) {
		for _, mediaType := range []string{runtime.ContentTypeJSON, runtime.ContentTypeYAML} {
			s.check(t, stored, document, mediaType)
		}
	})
}

// check is the way of a document: read, created, and put in the place of a stored object.
func (s *pipeline) check(t testing.TB, stored *dittofsv1alpha1.DittoServer, document []byte, mediaType string) {
	t.Helper()
	decoded := s.decode(t, document, mediaType)
	if decoded == nil {
		return
	}
	s.survives(t, decoded, runtime.ContentTypeJSON)
	s.replace(t, decoded, stored)
	created := s.create(t, decoded)
	if created == nil {
		s.ages(t, decoded, stored)
		return
	}
	s.survives(t, created, runtime.ContentTypeJSON, runtime.ContentTypeYAML)
	// What was accepted is accepted again.
	if s.update(t, created, created) == nil {
		t.Fatalf("an update that changes nothing is refused: %s", s.encode(t, created))
	}
	second := created.DeepCopy()
	second.UID, second.ResourceVersion, second.Generation = "", "", 0
	if s.create(t, second) == nil {
		t.Fatalf("what a create stored is refused by another create: %s", s.encode(t, created))
	}
}

// ages takes a spec that is refused for one that an older release stored: its
// labels can be changed all the same, or nobody could get rid of it.
func (s *pipeline) ages(t testing.TB, object, stored *dittofsv1alpha1.DittoServer) {
	t.Helper()
	old := stored.DeepCopy()
	old.Spec = *object.Spec.DeepCopy()
	dittofsv1alpha1.CompleteDefaults(old, nil) // nothing is stored without
	labelled := old.DeepCopy()
	labelled.Labels = map[string]string{"seen": "today"}
	if s.update(t, labelled, old) == nil {
		t.Fatalf("a stored object whose spec is no longer valid cannot be labelled: %s", s.encode(t, old))
	}
}

// replace puts an object in the place of a stored one.
func (s *pipeline) replace(t testing.TB, object, stored *dittofsv1alpha1.DittoServer) {
	t.Helper()
	replacement := object.DeepCopy()
	replacement.Name, replacement.Namespace = stored.Name, stored.Namespace
	replacement.UID, replacement.ResourceVersion = stored.UID, stored.ResourceVersion
	replacement.CreationTimestamp = stored.CreationTimestamp
	if updated := s.update(t, replacement, stored); updated != nil {
		s.survives(t, updated, runtime.ContentTypeJSON, runtime.ContentTypeYAML)
	}
}

// stored is an object as it would be in the store, set up: rules on transitions look at that.
func (s *pipeline) stored(t testing.TB) *dittofsv1alpha1.DittoServer {
	t.Helper()
	decoded := s.decode(t, []byte(full), runtime.ContentTypeYAML)
	if decoded == nil {
		t.Fatal("the full document cannot be decoded")
	}
	created := s.create(t, decoded)
	if created == nil {
		t.Fatal("the full document is refused")
	}
	created.Status.ConfigHash = "set-up"
	return created
}
