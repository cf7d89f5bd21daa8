// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"maps"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestFinalizeWritesOfTheAnnotationsOnlyTheEndOfARollout(t *testing.T) {
	asked := map[string]string{"a": "b", dittofsv1alpha1.AnnotationRollout: dittofsv1alpha1.RolloutNow}
	tests := []struct {
		name          string
		old, new, out map[string]string
	}{
		{"a request is taken away", asked, map[string]string{"a": "b"}, map[string]string{"a": "b"}},
		{"nothing else goes with it", asked, nil, map[string]string{"a": "b"}},
		{"a request stays when it is sent back", asked, asked, asked},
		{"no request is made", map[string]string{"a": "b"}, asked, map[string]string{"a": "b"}},
		{"nothing is added", nil, map[string]string{dittofsv1alpha1.AnnotationAcceptEmptyDatabase: "true"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			old := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Annotations: maps.Clone(tt.old)}}
			server := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Annotations: maps.Clone(tt.new)}}
			(&finalizeStrategy{NewStrategy(runtime.NewScheme())}).PrepareForUpdate(t.Context(), server, old)
			if !maps.Equal(server.Annotations, tt.out) {
				t.Errorf("the annotations are %v, want %v", server.Annotations, tt.out)
			}
		})
	}
}
