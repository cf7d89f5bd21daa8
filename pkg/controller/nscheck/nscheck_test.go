// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package nscheck

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func reader(t *testing.T, uid types.UID, terminating bool) client.Reader {
	t.Helper()
	b := fake.NewClientBuilder()
	if uid != "" {
		b.WithObjects(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns", UID: uid, Finalizers: []string{"example.com/f"}}})
	}
	c := b.Build()
	if terminating {
		if err := c.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns"}}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name         string
		stamp        string
		cached, live types.UID
		terminating  bool
		want         State
	}{
		{"the namespace of the stamp is the same", "a", "a", "a", false, Same},
		{"one that is going is terminating", "a", "a", "a", true, Terminating},
		{"a cache that does not show it yet is not believed", "a", "", "a", false, Same},
		{"a cache that shows the former one is not believed", "b", "a", "b", false, Same},
		{"no namespace is missing", "a", "", "", false, Missing},
		{"another namespace is a replacement", "a", "b", "b", false, Replaced},
		{"another that is going is a replacement, too", "a", "b", "b", true, Replaced},
		{"an object without a stamp belongs nowhere", "", "a", "a", false, Unstamped},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "files",
				Annotations: map[string]string{dittofsv1alpha1.AnnotationNamespaceUID: tt.stamp}}}
			got, err := Check(t.Context(), reader(t, tt.cached, tt.terminating), reader(t, tt.live, tt.terminating), server)
			if err != nil || got != tt.want {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
}
