// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
	"github.com/dittofs/dittofs-apiserver/test/standin"
)

const (
	stormSize  = 50
	stormKills = 3
	// deadSize is more than half of the probe's 64 workers, so that the limit on dead ones counts, and less than all servers.
	deadSize = 40
)

// One after another: the second needs the many servers of the first.
func TestAStorm(t *testing.T) {
	namespace := cluster.Namespace(t)
	names := make([]string, stormSize)
	for i := range names {
		names[i] = fmt.Sprintf("files-%03d", i)
	}
	t.Run("of servers during which ours is killed three times loses and doubles nothing", func(t *testing.T) {
		createThroughKills(t, namespace, names)
		awaitAllReady(t, namespace, len(names))
		expectEachOnce(t, namespace, names)
	})
	if t.Failed() {
		return
	}
	t.Run("of dead dfs APIs does not keep a new server waiting", func(t *testing.T) {
		for _, name := range names[:deadSize] {
			breakDFS(t, subjectOf(namespace, name), standin.Fault{Mode: standin.FaultHang})
		}
		awaitUnknown(t, namespace, deadSize/2)
		within(t, 60*time.Second, fmt.Sprintf("beside %d dead dfs APIs a new server is Ready", deadSize), func() { newSubject(t) })
		within(t, 30*time.Second, "an edit of one whose dfs is dead is carried out", func() {
			dead := subjectOf(namespace, names[0])
			dead.annotate(t, "dead")
			dead.awaitAnnotation(t, "dead")
		})
	})
}

// createThroughKills creates the servers, and kills ours whenever another part of them is stored.
func createThroughKills(t *testing.T, namespace string, names []string) {
	t.Helper()
	began := time.Now()
	stored := make(chan string, len(names))
	var creators sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), harness.PatienceLimit)
	defer cancel()
	work := make(chan string, len(names))
	for _, name := range names {
		work <- name
	}
	close(work)
	for range 4 {
		creators.Go(func() {
			for name := range work {
				for ctx.Err() == nil {
					_, err := cluster.Admin.DittoServers(namespace).Create(ctx, harness.NewDittoServer(name), metav1.CreateOptions{})
					// Stored and killed before the answer: then it exists at the next try.
					if err == nil || apierrors.IsAlreadyExists(err) {
						stored <- name
						break
					}
				}
			}
		})
	}
	acknowledged := 0
	for kill := range stormKills {
		for acknowledged < (kill+1)*len(names)/(stormKills+1) {
			select {
			case <-stored:
				acknowledged++
			case <-ctx.Done():
				t.Fatalf("%d of %d servers were stored", acknowledged, len(names))
			}
		}
		cluster.RestartKilled(t)
		list, err := cluster.Admin.DittoServers(namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil || len(list.Items) < acknowledged {
			t.Errorf("%d servers were acknowledged before the kill and %d are there after it (%v)", acknowledged, len(list.Items), err)
		}
	}
	creators.Wait()
	t.Logf("%d servers were stored through %d kills after %s", len(names), stormKills, time.Since(began).Round(time.Second))
}

func awaitAllReady(t *testing.T, namespace string, count int) {
	t.Helper()
	began := time.Now()
	harness.EventuallyWithin(t, 2*harness.PatienceLimit, "all servers are Ready", func(ctx context.Context) error {
		ready, err := countReady(ctx, namespace, metav1.ConditionTrue)
		if err == nil && ready != count {
			err = fmt.Errorf("%d of %d are", ready, count)
		}
		return err
	})
	t.Logf("all are Ready %s later", time.Since(began).Round(time.Second))
}

func awaitUnknown(t *testing.T, namespace string, least int) {
	t.Helper()
	harness.EventuallyWithin(t, 2*harness.PatienceLimit, "it is seen that dfs is dead", func(ctx context.Context) error {
		unknown, err := countReady(ctx, namespace, metav1.ConditionUnknown)
		if err == nil && unknown < least {
			err = fmt.Errorf("%d are Unknown", unknown)
		}
		return err
	})
}

func countReady(ctx context.Context, namespace string, status metav1.ConditionStatus) (count int, err error) {
	list, err := cluster.Admin.DittoServers(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, err
	}
	for _, server := range list.Items {
		if ready := meta.FindStatusCondition(server.Status.Conditions, dittofsv1alpha1.ConditionReady); ready != nil && ready.Status == status {
			count++
		}
	}
	return count, nil
}

// expectEachOnce fails the test unless each server has its parts once, as at the first attempt.
func expectEachOnce(t *testing.T, namespace string, names []string) {
	t.Helper()
	sets, err := cluster.Admin.Kube.AppsV1().StatefulSets(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	generations := map[string]int64{}
	for _, set := range sets.Items {
		generations[set.Name] = set.Generation
	}
	created := map[string]int{}
	for _, resource := range []string{"pods", "secrets"} {
		for _, r := range cluster.CarriedOut(t, namespace, resource, "create") {
			name := r.ObjectRef.Name
			if name == "" { // the StatefulSet controller names a pod in the body
				var pod metav1.PartialObjectMetadata
				if r.RequestObject == nil || json.Unmarshal(r.RequestObject.Raw, &pod) != nil {
					continue
				}
				name = pod.Name
			}
			created[resource+"/"+name]++
		}
	}
	if len(generations) != len(names) {
		t.Errorf("there are %d StatefulSets for %d servers", len(generations), len(names))
	}
	for _, name := range names {
		if generations[name] != 1 {
			t.Errorf("StatefulSet %s has generation %d, want 1", name, generations[name])
		}
		for _, object := range []string{"pods/" + name + "-0", "secrets/" + name + "-jwt-secret", "secrets/" + name + "-admin-bootstrap-credentials"} {
			if created[object] != 1 {
				t.Errorf("%s was created %d times, want 1", object, created[object])
			}
		}
	}
}

func breakDFS(t *testing.T, s subject, fault standin.Fault) {
	t.Helper()
	data, err := json.Marshal(fault)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		cluster.StandIn.URL+"/_standin/faults/"+s.Namespace+"/"+s.Name, strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	// Not through a proxy, which is for the world.
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		t.Fatalf("the stand-in says %s", response.Status)
	}
}
