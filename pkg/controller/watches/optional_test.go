// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package watches

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllertest"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

var lateKind = schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Late"}

// lateCache has informers for the kinds that are served, one for each.
type lateCache struct {
	cache.Cache // whatever else is called panics

	mu        sync.Mutex
	informers map[schema.GroupVersionKind]*controllertest.FakeInformer
}

func (c *lateCache) serve(kind schema.GroupVersionKind) *controllertest.FakeInformer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.informers[kind] = controllertest.NewFakeInformer(controllertest.Synced)
	return c.informers[kind]
}

func (c *lateCache) GetInformer(_ context.Context, obj client.Object, _ ...cache.InformerGetOption) (cache.Informer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kind := obj.GetObjectKind().GroupVersionKind()
	if informer := c.informers[kind]; informer != nil {
		return informer, nil
	}
	return nil, &meta.NoKindMatchError{GroupKind: kind.GroupKind()}
}

func (c *lateCache) RemoveInformer(_ context.Context, obj client.Object) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.informers, obj.GetObjectKind().GroupVersionKind())
	return nil
}

func (c *lateCache) WaitForCacheSync(context.Context) bool { return true }

func partial(kind schema.GroupVersionKind, m metav1.ObjectMeta) *metav1.PartialObjectMetadata {
	obj := &metav1.PartialObjectMetadata{ObjectMeta: m}
	obj.SetGroupVersionKind(kind)
	return obj
}

// startOptional starts a source for lateKind that knows no DittoServer, and returns it with the definitions it watches.
func startOptional(t *testing.T, c *lateCache) (*Optional, *controllertest.FakeInformer, queue) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := dittofsv1alpha1.Install(scheme); err != nil {
		t.Fatal(err)
	}
	servers := fake.NewClientBuilder().WithScheme(scheme).Build()
	definitions := c.serve(NewDefinitionMetadata().GroupVersionKind())
	o := NewOptional(c, lateKind, "lates", servers, func(*dittofsv1alpha1.DittoServer) bool { return true })
	q := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
	t.Cleanup(q.ShutDown)
	if err := o.Start(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if err := o.WaitForSync(t.Context()); err != nil {
		t.Fatal(err)
	}
	return o, definitions, q
}

var (
	lateDefinition = partial(NewDefinitionMetadata().GroupVersionKind(), metav1.ObjectMeta{Name: "lates.example.com"})
	lateObject     = partial(lateKind, metav1.ObjectMeta{
		Namespace: "team", Name: "some", Labels: map[string]string{dittofsv1alpha1.LabelServer: "files"},
	})
)

// The event of the definition is over before the API serves the kind. A watch that lives as long as that event never
// begins, and an object that changes later is noticed by nobody.
func TestObjectsAreWatchedBeyondTheEventThatBroughtTheirKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &lateCache{informers: map[schema.GroupVersionKind]*controllertest.FakeInformer{}}
		o, definitions, q := startOptional(t, c)
		definitions.Add(lateDefinition)
		if !o.Served() {
			t.Error("the kind is not known to be served")
		}
		synctest.Wait()
		objects := c.serve(lateKind)
		<-time.After(time.Minute)
		synctest.Wait()
		objects.Add(lateObject)
		if q.Len() != 1 {
			t.Fatalf("an object that comes later makes %d requests, want 1", q.Len())
		}
		want := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "team", Name: "files"}}
		if got, _ := q.Get(); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestAKindThatGoesAndComesBackIsWatchedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &lateCache{informers: map[schema.GroupVersionKind]*controllertest.FakeInformer{}}
		o, definitions, q := startOptional(t, c)
		c.serve(lateKind)
		definitions.Add(lateDefinition)
		synctest.Wait()
		definitions.Delete(lateDefinition)
		synctest.Wait()
		if o.Served() {
			t.Error("a kind that went is said to be served")
		}
		objects := c.serve(lateKind)
		definitions.Add(lateDefinition)
		<-time.After(time.Minute)
		synctest.Wait()
		objects.Add(lateObject)
		if !o.Served() || q.Len() != 1 {
			t.Errorf("served: %t, requests for an object: %d", o.Served(), q.Len())
		}
	})
}
