// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// partKinds are all kinds that a DittoServer becomes in a plane that has no kinds of others.
var partKinds = []schema.GroupVersionResource{
	{Group: "apps", Version: "v1", Resource: "statefulsets"},
	{Version: "v1", Resource: "configmaps"},
	{Version: "v1", Resource: "persistentvolumeclaims"},
	{Version: "v1", Resource: "pods"},
	{Version: "v1", Resource: "secrets"},
	{Version: "v1", Resource: "services"},
}

// Parts are the metadata of the objects of a DittoServer, by "resource/name".
type Parts map[string]metav1.ObjectMeta

// Parts finds everything by the label that all of it has.
func (s Subject) Parts(t *testing.T) Parts {
	t.Helper()
	found, err := s.FindParts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// FindParts is Parts outside of the test's own goroutine.
func (s Subject) FindParts(ctx context.Context) (Parts, error) {
	found := Parts{}
	for _, kind := range partKinds {
		list, err := s.Cluster.Admin.Metadata.Resource(kind).Namespace(s.Namespace).List(ctx,
			metav1.ListOptions{LabelSelector: dittofsv1alpha1.LabelInstance + "=" + s.Name})
		if err != nil {
			return nil, err
		}
		for _, item := range list.Items {
			found[kind.Resource+"/"+item.Name] = item.ObjectMeta
		}
	}
	return found, nil
}

// Names lists the parts in order.
func (p Parts) Names() []string { return slices.Sorted(maps.Keys(p)) }

// Without leaves out the parts whose "resource/name" begins with a prefix.
func (p Parts) Without(prefixes ...string) Parts {
	return p.which(func(name string) bool { return !begins(name, prefixes) })
}

// Only leaves those whose "resource/name" begins with a prefix.
func (p Parts) Only(prefixes ...string) Parts {
	return p.which(func(name string) bool { return begins(name, prefixes) })
}

func (p Parts) which(keep func(name string) bool) Parts {
	out := maps.Clone(p)
	maps.DeleteFunc(out, func(name string, _ metav1.ObjectMeta) bool { return !keep(name) })
	return out
}

func begins(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// Data is what holds data or opens it: claims and Secrets.
func (p Parts) Data() Parts {
	return p.Without("configmaps/", "pods/", "services/", "statefulsets/")
}

// ExpectUntouched fails the test for each part that is gone, new, another one, or was written since.
func (p Parts) ExpectUntouched(t *testing.T, s Subject) {
	t.Helper()
	p.Compare(t, s.Parts(t), func(m metav1.ObjectMeta) string {
		return fmt.Sprintf("UID %s at version %s of generation %d", m.UID, m.ResourceVersion, m.Generation)
	})
}

// ExpectSame allows writes that change no spec: the same objects of the same generation.
func (p Parts) ExpectSame(t *testing.T, s Subject) {
	t.Helper()
	p.Compare(t, s.Parts(t), func(m metav1.ObjectMeta) string {
		return fmt.Sprintf("UID %s, generation %d, deleted at %v", m.UID, m.Generation, m.DeletionTimestamp)
	})
}

// ExpectKept fails the test unless the parts whose "resource/name" begins with a prefix are the same objects, whatever was
// written to them, and no other ones are there.
func (p Parts) ExpectKept(t *testing.T, s Subject, prefixes ...string) {
	t.Helper()
	p.Only(prefixes...).Compare(t, s.Parts(t).Only(prefixes...), func(m metav1.ObjectMeta) string { return fmt.Sprintf("UID %s", m.UID) })
}

// Compare fails the test for each part that is gone, new, or has another identity.
func (p Parts) Compare(t *testing.T, now Parts, identity func(metav1.ObjectMeta) string) {
	t.Helper()
	for name, before := range p {
		after, ok := now[name]
		switch {
		case !ok:
			t.Errorf("%s is gone", name)
		case identity(before) != identity(after):
			t.Errorf("%s was changed: it had %s and has %s, written last by %s", name, identity(before), identity(after), lastWriter(after))
		}
	}
	for name := range now {
		if _, ok := p[name]; !ok {
			t.Errorf("%s is new", name)
		}
	}
}

func lastWriter(m metav1.ObjectMeta) string {
	var last metav1.ManagedFieldsEntry
	for _, entry := range m.ManagedFields {
		if entry.Time != nil && (last.Time == nil || last.Time.Before(entry.Time)) {
			last = entry
		}
	}
	return last.Manager
}
