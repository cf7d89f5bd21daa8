// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/controlplane/faultproxy"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// held keeps our caches of a kind from seeing what happens, until it is released.
func held(t *testing.T, resource string) *faultproxy.Handle {
	t.Helper()
	return trouble(t, faultproxy.Fault{Hold: true, Match: of(resource, "watch")})
}

// awaitAnnotation waits until an edit has reached the Service: a pass over the spec as it is now has come so far.
func (s subject) awaitAnnotation(t *testing.T, value string) {
	t.Helper()
	harness.Eventually(t, "the Service has the annotation "+value, func(ctx context.Context) error {
		service, err := cluster.Admin.Kube.CoreV1().Services(s.Namespace).Get(ctx, s.Name+"-api", metav1.GetOptions{})
		if err == nil && service.Annotations["example.com/a"] != value {
			err = fmt.Errorf("it has %v", service.Annotations)
		}
		return err
	})
}

func TestACacheThatDoesNotShowANewStatefulSetDoesNotLeadToAnother(t *testing.T) {
	release := held(t, "statefulsets")
	s := subjectOf(cluster.Namespace(t), "files")
	s.create(t)
	for n := range 3 {
		s.annotate(t, fmt.Sprint(n))
		s.awaitAnnotation(t, fmt.Sprint(n))
	}
	release.Remove()
	s.AwaitReady(t)
	s.expectOnce(t)
}

func TestACacheThatDoesNotShowNewSecretsDoesNotLeadToOthers(t *testing.T) {
	release := held(t, "secrets")
	s := subjectOf(cluster.Namespace(t), "files")
	s.create(t)
	for n := range 3 {
		s.annotate(t, fmt.Sprint(n))
		s.awaitAnnotation(t, fmt.Sprint(n))
	}
	s.AwaitReady(t)
	s.expectOnce(t)
	hash := s.hash(t)
	release.Remove()
	awaitControllers(t)
	s.AwaitReady(t)
	s.expectOnce(t)
	if now := s.hash(t); now != hash {
		t.Errorf("the config hash was %s and is %s once the cache shows the Secrets", hash, now)
	}
}

func TestACacheOfConfigMapsThatIsBehindTakesNothingBack(t *testing.T) {
	s := newSubject(t)
	history := s.follow(t)
	release := held(t, "configmaps")
	for _, level := range []string{"DEBUG", "WARN"} {
		s.level(t, level)
		s.annotate(t, level)
		s.awaitAnnotation(t, level)
	}
	release.Remove()
	s.AwaitReady(t)
	if !strings.Contains(s.Config(t), "WARN") {
		t.Errorf("the configuration is not the last one:\n%s", s.Config(t))
	}
	awaitControllers(t)
	seen := history()
	if got := strings.Join(seen, " "); !strings.HasSuffix("INFO DEBUG WARN", got) && got != "INFO WARN" {
		t.Errorf("the configuration went through the levels %s", got)
	}
	s.expectRevisions(t, len(seen))
}

// A StatefulSet that somebody deletes under a cache that does not show it is neither changed as if it were there nor made
// twice, and the data is that of before.
func TestAStatefulSetThatIsDeletedBehindACacheIsMadeAnewOnce(t *testing.T) {
	s := newSubject(t)
	before := s.Parts(t)
	release := held(t, "statefulsets")
	cluster.Admin.Kubectl(s.Namespace).Run(t, "delete", "statefulset", s.Name)
	s.level(t, "DEBUG")
	s.annotate(t, "later")
	s.awaitAnnotation(t, "later")
	release.Remove()
	s.AwaitReady(t)
	before.ExpectKept(t, s.Subject, "secrets/", "persistentvolumeclaims/", "services/", "configmaps/")
	if set := s.StatefulSet(t); set.Generation != 1 {
		t.Errorf("the new StatefulSet was changed after it was made: generation %d", set.Generation)
	}
	if !strings.Contains(s.Config(t), "DEBUG") {
		t.Error("the edit was lost")
	}
}

// follow notes the log levels that the ConfigMap goes through. The returned function ends that and returns them.
func (s subject) follow(t *testing.T) func() []string {
	t.Helper()
	level := func(config string) string {
		for _, word := range []string{"INFO", "DEBUG", "WARN"} {
			if strings.Contains(config, word) {
				return word
			}
		}
		return "none"
	}
	levels := []string{level(s.Config(t))}
	list, err := cluster.Admin.Kube.CoreV1().ConfigMaps(s.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	watch, err := cluster.Admin.Kube.CoreV1().ConfigMaps(s.Namespace).Watch(t.Context(),
		metav1.ListOptions{FieldSelector: "metadata.name=" + s.Name + "-config", ResourceVersion: list.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range watch.ResultChan() {
			if _, is := e.Object.(*corev1.ConfigMap); !is {
				continue // its own end is an event, too, now and then
			}
			if now := level(configOf(e.Object)); now != levels[len(levels)-1] {
				levels = append(levels, now)
			}
		}
	}()
	return func() []string {
		watch.Stop()
		<-done
		return levels
	}
}
