// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// lookups counts what is asked of the API.
type lookups struct {
	client.Reader
	n int
}

func (l *lookups) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	l.n++
	return l.Reader.Get(ctx, key, obj, opts...)
}

func TestAnObjectIsMadeWithOneRequest(t *testing.T) {
	f := newFixture(t)
	live := &lookups{Reader: f.api}
	f.a.Live = live
	f.expect(f.ensure(f.want("1")), Created, 1)
	if live.n != 0 {
		t.Errorf("the API was asked %d times whether the name is free", live.n)
	}
}

func TestAnObjectOfSomebodyElseIsNotChangedByTheApplyThatWasToMakeIt(t *testing.T) {
	tests := map[string]map[string]string{
		"with our field":   {"a": "theirs"},
		"as we wanted it":  {"a": "1"},
		"with other field": {"b": "theirs"},
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.cache.frozen = true
			foreign := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: f.server.Namespace, Name: "files-config"}, Data: data}
			if err := f.api.Create(t.Context(), foreign); err != nil {
				t.Fatal(err)
			}
			f.expect(f.ensure(f.want("1")), Conflict, 1)
			if got := f.live(); got.ResourceVersion != foreign.ResourceVersion {
				t.Errorf("it was changed: %v", got)
			}
		})
	}
}

// noVersions is an API that takes no version of an object that it does not have.
type noVersions struct{ client.Writer }

func (w noVersions) Apply(ctx context.Context, obj runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
	if v, ok := obj.(interface{ GetResourceVersion() string }); ok && v.GetResourceVersion() != "" {
		return apierrors.NewConflict(schema.GroupResource{Resource: "configmaps"}, "files-config", nil)
	}
	return w.Writer.Apply(ctx, obj, opts...)
}

func TestAnAPIThatTakesNoVersionInACreateIsAskedFirst(t *testing.T) {
	f := newFixture(t)
	f.writes.Writer = noVersions{f.api}
	f.expect(f.ensure(f.want("1")), Created, 2)
	f.live()
}

func TestAnApplyThatNamesTheVersionOfNoObjectMakesOneAndChangesNone(t *testing.T) {
	pod := `{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}`
	tests := []struct{ apiVersion, kind, spec string }{
		{"v1", "ConfigMap", `{}`},
		{"v1", "Service", `{"ports":[{"port":80}]}`},
		{"apps/v1", "StatefulSet", `{"serviceName":"s","replicas":0,"selector":{"matchLabels":{"a":"b"}},"template":` + pod + `}`},
		{"networking.k8s.io/v1", "NetworkPolicy", `{"podSelector":{}}`},
		{"networking.k8s.io/v1", "Ingress", `{"defaultBackend":{"service":{"name":"s","port":{"number":80}}}}`},
		{"dittofs.io/v1alpha1", "DittoServer", `{}`}, // a custom resource here, as PerconaPGClusters and ServiceMonitors are
	}
	for _, tc := range tests {
		t.Run(tc.kind, func(t *testing.T) {
			f := newFixture(t)
			apply := func(label string) error {
				u := &unstructured.Unstructured{}
				u.SetAPIVersion(tc.apiVersion)
				u.SetKind(tc.kind)
				u.SetNamespace(f.server.Namespace)
				u.SetName("files")
				u.SetResourceVersion(noVersion)
				u.SetLabels(map[string]string{"l": label})
				var spec map[string]any
				if err := json.Unmarshal([]byte(tc.spec), &spec); err != nil {
					t.Fatal(err)
				}
				if len(spec) > 0 {
					u.Object["spec"] = spec
				}
				return f.api.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(u), client.FieldOwner("test"), client.ForceOwnership)
			}
			if err := apply("1"); err != nil {
				t.Errorf("the first gave %v", err)
			}
			for _, label := range []string{"1", "2"} {
				if err := apply(label); !apierrors.IsConflict(err) {
					t.Errorf("the label %s on an object that has 1 gave %v, want a conflict", label, err)
				}
			}
		})
	}
}
