// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"testing"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestWhatHasNotChangedIsNotComparedAgain(t *testing.T) {
	f := newFixture(t)
	compared := 0
	kind := ConfigMaps()
	extract := kind.Extract
	kind.Extract = func(obj client.Object) (any, error) { compared++; return extract(obj) }
	ensure := func(want *corev1ac.ConfigMapApplyConfiguration, action Action, comparisons int) {
		t.Helper()
		compared = 0
		res, err := f.a.Ensure(t.Context(), Request{Kind: kind, Server: f.server, Name: "files-config", Want: want})
		if err != nil {
			t.Fatal(err)
		}
		if res.Action != action || compared != comparisons {
			t.Errorf("%s after %d comparisons, want %s after %d", res.Action, compared, action, comparisons)
		}
	}
	ensure(f.want("1"), Created, 0)
	ensure(f.want("1"), Unchanged, 1)
	ensure(f.want("1"), Unchanged, 0)
	ensure(f.want("1"), Unchanged, 0)

	// Another version is another object.
	live := f.live()
	live.Data["a"] = "of somebody else"
	if err := f.api.Update(t.Context(), live); err != nil {
		t.Fatal(err)
	}
	ensure(f.want("1"), Changed, 2)
	ensure(f.want("1"), Unchanged, 1)

	// So is one of the same content.
	if err := f.api.Delete(t.Context(), f.live()); err != nil {
		t.Fatal(err)
	}
	ensure(f.want("1"), Created, 0)
	ensure(f.want("1"), Unchanged, 1)

	// What was as wanted before another wish was sent is not what there is, whatever the cache shows.
	f.cache.shown = map[string]client.Object{"files-config": f.live()}
	ensure(f.want("2"), Changed, 2)
	f.cache.frozen = true
	ensure(f.want("1"), Waiting, 0)
	f.cache.frozen = false
	ensure(f.want("1"), Changed, 2)

	// Neither is another wish settled by the comparison with this one.
	ensure(f.want("1"), Unchanged, 1)
	ensure(f.want("3"), Changed, 2)
}

func TestWhatAPolicyRewritesAtTheCreateIsSentAtMostOnceMore(t *testing.T) {
	f := newFixture(t)
	rewriteIn(t, f.api, f.server.Namespace)
	f.expect(f.ensure(f.want("1")), Created, 1)
	for range 2 {
		f.expect(f.ensure(f.want("1")), Rewritten, 1)
	}
	// Somebody writes what is not ours: another version, of which nobody knows yet whether it is what came of the create.
	live := f.live()
	live.Annotations = map[string]string{"example.com/a": "b"}
	if err := f.api.Update(t.Context(), live); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		f.expect(f.ensure(f.want("1")), Rewritten, 2)
	}
}
