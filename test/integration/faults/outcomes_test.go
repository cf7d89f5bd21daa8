// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/dittofs/dittofs-apiserver/test/controlplane/faultproxy"
)

func configOf(obj runtime.Object) string {
	if config, ok := obj.(*corev1.ConfigMap); ok {
		return config.Data["config.yaml"]
	}
	return ""
}

// Writes that are carried out and whose answer never comes, and conflicts, each at every object of a new server.
func TestAnAnswerThatIsLostOrAConflictDoublesNothing(t *testing.T) {
	t.Parallel()
	for _, fault := range []struct {
		name  string
		fault faultproxy.Fault
	}{
		{"carried out and answered with a timeout", faultproxy.Fault{Swallow: true, Count: 1}},
		{"cut off in the answer", faultproxy.Fault{Cut: true, Count: 1}},
		{"a conflict, twice", faultproxy.Fault{Status: http.StatusConflict, Count: 2}},
	} {
		for _, write := range []struct {
			resource, verb string
		}{{"secrets", "create"}, {"configmaps", "patch"}, {"services", "patch"}, {"statefulsets", "patch"}} {
			t.Run(write.resource+" "+fault.name, func(t *testing.T) {
				t.Parallel()
				s := subjectOf(cluster.Namespace(t), "files")
				f := fault.fault
				f.Match = all(in(s.Namespace), of(write.resource, write.verb), stored)
				hit := trouble(t, f)
				s.create(t)
				s.AwaitReady(t)
				if hit.Hits() != f.Count {
					t.Errorf("the fault was met %d times, want %d", hit.Hits(), f.Count)
				}
				s.expectOnce(t)
			})
		}
	}
}

// The same for an edit: the rollout happens once, and the configuration goes with the template.
func TestAnEditWhoseAnswersAreLostRollsOutOnce(t *testing.T) {
	t.Parallel()
	for _, resource := range []string{"configmaps", "statefulsets"} {
		t.Run(resource, func(t *testing.T) {
			t.Parallel()
			s := newSubject(t)
			before := s.Parts(t)
			for _, f := range []faultproxy.Fault{{Status: http.StatusConflict, Count: 2}, {Swallow: true, Count: 2}} {
				f.Match = all(in(s.Namespace), of(resource, "patch"), stored)
				trouble(t, f)
			}
			s.level(t, "DEBUG")
			s.AwaitReady(t)
			s.expectRevisions(t, 2)
			s.expectSecretsOnce(t)
			before.ExpectKept(t, s.Subject, "statefulsets/", "configmaps/", "persistentvolumeclaims/", "secrets/", "services/")
			if set := s.StatefulSet(t); set.Generation != 2 {
				t.Errorf("the StatefulSet has generation %d, want 2", set.Generation)
			}
		})
	}
}
