// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package storageclass

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestOfManyClassesTenAreNamed(t *testing.T) {
	var there []runtime.Object
	for i := range 12 {
		there = append(there, class(fmt.Sprintf("c%02d", i), true))
	}
	plugin, _ := newPlugin(t, there...)
	err := plugin.Validate(t.Context(), attributes(server(in("other")), nil), nil)
	if err == nil || !strings.HasSuffix(err.Error(), "existing are c00, c01, c02, c03, c04, c05, c06, c07, c08, c09 and 2 more") {
		t.Errorf("got %v", err)
	}
}

func TestTheNewestOfSeveralDefaultsCounts(t *testing.T) {
	older, newer := class("a", true, defaultClassAnnotation), class("b", false, defaultClassAnnotation)
	older.CreationTimestamp = metav1.NewTime(time.Unix(1, 0))
	newer.CreationTimestamp = metav1.NewTime(time.Unix(2, 0))
	plugin, _ := newPlugin(t, older, newer)
	err := plugin.Validate(t.Context(), attributes(server(metadata("2Gi")), server()), nil)
	if err == nil || !strings.Contains(err.Error(), `its StorageClass "b"`) {
		t.Errorf("got %v", err)
	}
}

// One kubectl apply may hold both, and the informer hears of the class later.
func TestAClassThatTheInformerDoesNotKnowYetIsLookedUp(t *testing.T) {
	plugin, client := newPlugin(t)
	client.PrependReactor("get", "storageclasses", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, class("new", true), nil
	})
	if err := plugin.Validate(t.Context(), attributes(server(in("new")), nil), nil); err != nil {
		t.Error(err)
	}
}

// In the first moments of the server, and for as long as it lacks the right to watch.
func TestBeforeTheInformerKnowsAnythingTheHostIsAsked(t *testing.T) {
	plugin, client := newPlugin(t, class("fast", true), class("fixed", false))
	plugin.hasSynced = func() bool { return false }
	plugin.lister = nil
	for name, c := range map[string]struct {
		server, old *dittofsv1alpha1.DittoServer
		refusal     string
	}{
		"a class that is there":     {server: server(in("fast"))},
		"a class that is not there": {server: server(in("fats")), refusal: "existing are fast, fixed"},
		"growth":                    {server: server(in("fixed"), metadata("2Gi")), old: server(in("fixed")), refusal: `"fixed" does not let volumes grow`},
	} {
		t.Run(name, func(t *testing.T) {
			err := plugin.Validate(t.Context(), attributes(c.server, c.old), nil)
			if c.refusal == "" && err != nil || c.refusal != "" && (!apierrors.IsInvalid(err) || !strings.Contains(err.Error(), c.refusal)) {
				t.Errorf("got %v", err)
			}
		})
	}

	client.PrependReactor("list", "storageclasses", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(storagev1.Resource("storageclasses"), "", errors.New("no rights"))
	})
	err := plugin.Validate(t.Context(), attributes(server(), nil), nil)
	if !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "no rights") || !strings.Contains(err.Error(), "apply the ClusterRole") {
		t.Errorf("got %v", err)
	}
	// What has nothing to do with volumes passes.
	if err := plugin.Validate(t.Context(), attributes(server(image), server()), nil); err != nil {
		t.Error(err)
	}
}
