// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package watches

import (
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func podOf(server string, generation int64) *corev1.Pod {
	pod := &corev1.Pod{}
	pod.Name, pod.Namespace, pod.Generation = server+"-0", "files", generation
	pod.Labels = map[string]string{dittofsv1alpha1.LabelInstance: server}
	return pod
}

func TestNewsOfProgressMakesOnePassAfterTheWindow(t *testing.T) {
	tests := []struct {
		name string
		news func(h gathered[*corev1.Pod], q priorityqueue.PriorityQueue[reconcile.Request])
		want time.Duration
	}{
		{name: "created, then twice updated", want: GatherWindow, news: func(h gathered[*corev1.Pod], q priorityqueue.PriorityQueue[reconcile.Request]) {
			h.Create(t.Context(), event.TypedCreateEvent[*corev1.Pod]{Object: podOf("a", 1)}, q)
			for range 2 {
				h.Update(t.Context(), event.TypedUpdateEvent[*corev1.Pod]{ObjectOld: podOf("a", 1), ObjectNew: podOf("a", 1)}, q)
			}
		}},
		{name: "edited", news: func(h gathered[*corev1.Pod], q priorityqueue.PriorityQueue[reconcile.Request]) {
			h.Update(t.Context(), event.TypedUpdateEvent[*corev1.Pod]{ObjectOld: podOf("a", 1), ObjectNew: podOf("a", 2)}, q)
		}},
		{name: "deleted", news: func(h gathered[*corev1.Pod], q priorityqueue.PriorityQueue[reconcile.Request]) {
			h.Delete(t.Context(), event.TypedDeleteEvent[*corev1.Pod]{Object: podOf("a", 1)}, q)
		}},
		{name: "something else meanwhile", news: func(h gathered[*corev1.Pod], q priorityqueue.PriorityQueue[reconcile.Request]) {
			h.Create(t.Context(), event.TypedCreateEvent[*corev1.Pod]{Object: podOf("a", 1)}, q)
			q.Add(reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "files", Name: "a"}})
		}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := priorityqueue.New[reconcile.Request]("gather")
				defer q.ShutDown()
				began := time.Now()
				tc.news(gathered[*corev1.Pod]{OfLabel[*corev1.Pod](dittofsv1alpha1.LabelInstance)}, q)
				item, _ := q.Get()
				if took := time.Since(began); took != tc.want {
					t.Errorf("the pass comes after %s, want %s", took, tc.want)
				}
				q.Done(item)
				<-time.After(2 * GatherWindow)
				synctest.Wait()
				if n := q.Len(); n != 0 {
					t.Errorf("%d more passes come", n)
				}
			})
		})
	}
}

func TestNewsOfProgressLetsOthersGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := priorityqueue.New[reconcile.Request]("gather")
		defer q.ShutDown()
		h := gathered[*corev1.Pod]{OfLabel[*corev1.Pod](dittofsv1alpha1.LabelInstance)}
		h.Create(t.Context(), event.TypedCreateEvent[*corev1.Pod]{Object: podOf("old", 1)}, q)
		<-time.After(2 * GatherWindow)
		q.Add(reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "files", Name: "new"}})
		synctest.Wait()
		for _, want := range []string{"new", "old"} {
			item, _ := q.Get()
			if item.Name != want {
				t.Errorf("%s comes, want %s", item.Name, want)
			}
			q.Done(item)
		}
	})
}
