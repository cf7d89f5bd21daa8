// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

var partKinds = []schema.GroupVersionResource{
	{Group: "apps", Version: "v1", Resource: "statefulsets"},
	{Version: "v1", Resource: "configmaps"},
	{Version: "v1", Resource: "persistentvolumeclaims"},
	{Version: "v1", Resource: "pods"},
	{Version: "v1", Resource: "secrets"},
	{Version: "v1", Resource: "services"},
}

// parts are the metadata of everything that a DittoServer became, by "resource/name".
type parts map[string]metav1.ObjectMeta

func (s subject) parts(t *testing.T) parts {
	t.Helper()
	found := parts{}
	for _, kind := range partKinds {
		list, err := cluster.Admin.Metadata.Resource(kind).Namespace(s.namespace).List(t.Context(),
			metav1.ListOptions{LabelSelector: dittofsv1alpha1.LabelInstance + "=" + s.name})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range list.Items {
			found[kind.Resource+"/"+item.Name] = item.ObjectMeta
		}
	}
	return found
}

// expectUntouched fails the test for each part that is gone, new, another one, or was written since.
func (p parts) expectUntouched(t *testing.T, s subject) {
	t.Helper()
	p.compare(t, s.parts(t), func(m metav1.ObjectMeta) string {
		return fmt.Sprintf("UID %s at version %s of generation %d", m.UID, m.ResourceVersion, m.Generation)
	})
}

// expectKept fails the test unless the same objects are there, whatever was written to them.
func (p parts) expectKept(t *testing.T, s subject, prefixes ...string) {
	t.Helper()
	only := func(all parts) parts {
		some := maps.Clone(all)
		maps.DeleteFunc(some, func(name string, _ metav1.ObjectMeta) bool {
			return !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		})
		return some
	}
	only(p).compare(t, only(s.parts(t)), func(m metav1.ObjectMeta) string { return fmt.Sprintf("UID %s", m.UID) })
}

func (p parts) compare(t *testing.T, now parts, identity func(metav1.ObjectMeta) string) {
	t.Helper()
	for name, before := range p {
		after, ok := now[name]
		switch {
		case !ok:
			t.Errorf("%s is gone", name)
		case identity(before) != identity(after):
			t.Errorf("%s was changed: it had %s and has %s", name, identity(before), identity(after))
		}
	}
	for name := range now {
		if _, ok := p[name]; !ok {
			t.Errorf("%s is new", name)
		}
	}
}

// expectOnce fails the test unless our server came to its parts at the first attempt: one StatefulSet that was never
// changed, one pod, credentials that were made once, and no event twice.
func (s subject) expectOnce(t *testing.T) {
	t.Helper()
	if set := s.statefulSet(t); set.Generation != 1 {
		t.Errorf("%s: the StatefulSet has generation %d, want 1", s.namespace, set.Generation)
	}
	s.expectRevisions(t, 1)
	s.expectSecretsOnce(t)
	s.expectEventsOnce(t, "Created")
}

// expectSecretsOnce fails the test unless each generated Secret was created once and never written since.
func (s subject) expectSecretsOnce(t *testing.T) {
	t.Helper()
	created := map[string]int{}
	for _, r := range audited(t, s.namespace, "secrets", "create", "update", "patch", "delete") {
		if r.Verb != "create" {
			t.Errorf("%s: a Secret was written: %s %s", s.namespace, r.Verb, r.RequestURI)
		}
		created[r.ObjectRef.Name]++
	}
	secrets, err := cluster.Admin.Kube.CoreV1().Secrets(s.namespace).List(t.Context(),
		metav1.ListOptions{LabelSelector: dittofsv1alpha1.LabelInstance + "=" + s.name})
	if err != nil {
		t.Fatal(err)
	}
	if len(secrets.Items) != 2 {
		t.Errorf("%s: there are %d generated Secrets, want 2", s.namespace, len(secrets.Items))
	}
	for _, secret := range secrets.Items {
		if created[secret.Name] != 1 {
			t.Errorf("%s: Secret %s was created %d times: %v", s.namespace, secret.Name, created[secret.Name], created)
		}
	}
}

// expectRevisions fails the test unless the pods went through so many templates.
func (s subject) expectRevisions(t *testing.T, want int) {
	t.Helper()
	var revisions []string
	for _, r := range audited(t, s.namespace, "pods", "create") {
		if r.RequestObject == nil {
			continue
		}
		var pod metav1.PartialObjectMetadata
		if err := json.Unmarshal(r.RequestObject.Raw, &pod); err != nil {
			t.Fatalf("the audit log holds a pod that cannot be read: %v", err)
		}
		if pod.Labels[dittofsv1alpha1.LabelInstance] == s.name {
			revisions = append(revisions, pod.Labels[appsv1.ControllerRevisionHashLabelKey])
		}
	}
	// Not the number of pods: a StatefulSet controller that is behind makes one of the old revision once more.
	if got := len(slices.Compact(slices.Clone(revisions))); got != want {
		t.Errorf("%s: the pods of %s had the revisions %v, want %d", s.namespace, s.name, revisions, want)
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
			t.Errorf("%s: the event %q came %d times", s.namespace, what, n)
		}
	}
}

func (s subject) events(t *testing.T) (found []corev1.Event) {
	t.Helper()
	list, err := cluster.Admin.Kube.CoreV1().Events(s.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list.Items {
		if e.InvolvedObject.Kind == "DittoServer" && e.InvolvedObject.Name == s.name {
			found = append(found, e)
		}
	}
	return found
}

// audited are the requests about a resource of a namespace that kube-apiserver carried out, whoever sent them.
func audited(t *testing.T, namespace, resource string, verbs ...string) (found []auditv1.Event) {
	t.Helper()
	file, err := os.Open(cluster.Plane.AuditLogPath)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	wanted := fmt.Sprintf(`"resource":%q,"namespace":%q`, resource, namespace)
	lines := bufio.NewReaderSize(file, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return found // a line that is being written has no end yet
		}
		if !strings.Contains(string(line), wanted) {
			continue
		}
		var r auditv1.Event
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("the audit log holds %q: %v", line, err)
		}
		if slices.Contains(verbs, r.Verb) && r.ObjectRef.Subresource == "" && !strings.Contains(r.RequestURI, "dryRun") &&
			r.ResponseStatus != nil && r.ResponseStatus.Code < 300 {
			found = append(found, r)
		}
	}
}
