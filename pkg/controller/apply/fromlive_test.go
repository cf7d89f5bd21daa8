// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func (f *fixture) ensureFrom(live client.Object, want any) (Result, error) {
	return f.a.EnsureFrom(f.t.Context(), Request{Kind: ConfigMaps(), Server: f.server, Name: "files-config", Want: want}, live)
}

func TestAWishIsBoundToTheObjectThatItWasMadeFrom(t *testing.T) {
	f := newFixture(t)
	expect := func(live client.Object, data string, action Action, applies int) {
		t.Helper()
		res, err := f.ensureFrom(live, f.want(data))
		if err != nil {
			t.Fatal(err)
		}
		f.expect(res, action, applies)
	}
	expect(nil, "1", Created, 1)
	seen := f.live()
	expect(seen, "1", Unchanged, 1)
	expect(seen, "2", Changed, 2)
	if _, err := f.ensureFrom(seen, f.want("3")); !apierrors.IsConflict(err) || !IsReplaced(err) {
		t.Errorf("a wish of yesterday gave %v", err)
	}
	if got := f.live().Data["a"]; got != "2" {
		t.Errorf("it became %q", got)
	}
	expect(f.live(), "3", Changed, 4)
}

func TestAWishChangesNothingOfSomebodyElse(t *testing.T) {
	f := newFixture(t)
	foreign := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: f.server.Namespace, Name: "files-config"}}
	if err := f.api.Create(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	res, err := f.ensureFrom(f.live(), f.want("1"))
	if err != nil || res.Owner == "" {
		t.Errorf("got %+v, %v", res, err)
	}
	f.expect(res, Conflict, 0)
}

func TestAWishThatAPolicyRewritesIsSentOnce(t *testing.T) {
	f := newFixture(t)
	if _, err := f.ensureFrom(nil, f.want("1")); err != nil {
		t.Fatal(err)
	}
	rewriteIn(t, f.api, f.server.Namespace)
	for range 3 {
		res, err := f.ensureFrom(f.live(), f.want("2"))
		if err != nil {
			t.Fatal(err)
		}
		f.expect(res, Rewritten, 2)
	}
}
