// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// expectOnce fails the test unless our server came to its parts at the first attempt: one StatefulSet that was never
// changed, one pod, credentials that were made once, and no event twice.
func (s subject) expectOnce(t *testing.T) {
	t.Helper()
	if set := s.StatefulSet(t); set.Generation != 1 {
		t.Errorf("%s: the StatefulSet has generation %d, want 1", s.Namespace, set.Generation)
	}
	s.expectRevisions(t, 1)
	s.expectSecretsOnce(t)
	s.expectEventsOnce(t, "Created")
}

// expectSecretsOnce fails the test unless each generated Secret was created once and never written since.
func (s subject) expectSecretsOnce(t *testing.T) {
	t.Helper()
	created := map[string]int{}
	for _, r := range cluster.CarriedOut(t, s.Namespace, "secrets", "create", "update", "patch", "delete") {
		if r.Verb != "create" {
			t.Errorf("%s: a Secret was written: %s %s", s.Namespace, r.Verb, r.RequestURI)
		}
		created[r.ObjectRef.Name]++
	}
	secrets, err := cluster.Admin.Kube.CoreV1().Secrets(s.Namespace).List(t.Context(),
		metav1.ListOptions{LabelSelector: dittofsv1alpha1.LabelInstance + "=" + s.Name})
	if err != nil {
		t.Fatal(err)
	}
	if len(secrets.Items) != 2 {
		t.Errorf("%s: there are %d generated Secrets, want 2", s.Namespace, len(secrets.Items))
	}
	for _, secret := range secrets.Items {
		if created[secret.Name] != 1 {
			t.Errorf("%s: Secret %s was created %d times: %v", s.Namespace, secret.Name, created[secret.Name], created)
		}
	}
}

// expectRevisions fails the test unless the pods of the namespace went through so many templates.
func (s subject) expectRevisions(t *testing.T, want int) {
	t.Helper()
	if got := cluster.Rollouts(t, s.Namespace); got != want {
		t.Errorf("%s: the pods had %d revisions, want %d", s.Namespace, got, want)
	}
}

// expectEventsOnce fails the test if an event about the DittoServer was said twice in the same words.
func (s subject) expectEventsOnce(t *testing.T, reasons ...string) {
	t.Helper()
	counts := map[string]int32{}
	for _, e := range s.events(t) {
		if slices.Contains(reasons, e.Reason) {
			n := max(e.Count, 1)
			if e.Series != nil {
				n = max(n, e.Series.Count)
			}
			counts[e.Reason+": "+e.Message] += n
		}
	}
	for what, n := range counts {
		if n > 1 {
			t.Errorf("%s: the event %q came %d times", s.Namespace, what, n)
		}
	}
}

func (s subject) events(t *testing.T) (found []corev1.Event) {
	t.Helper()
	list, err := cluster.Admin.Kube.CoreV1().Events(s.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list.Items {
		if e.InvolvedObject.Kind == "DittoServer" && e.InvolvedObject.Name == s.Name {
			found = append(found, e)
		}
	}
	return found
}
