// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"

	"github.com/dittofs/dittofs-apiserver/pkg/generated/informers"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// next waits for one event of a watch.
func next(t *testing.T, watcher watch.Interface) watch.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harness.PatienceLimit)
	defer cancel()
	select {
	case event, open := <-watcher.ResultChan():
		if !open {
			t.Fatal("the watch ended")
		}
		return event
	case <-ctx.Done():
		t.Fatal("no event came")
	}
	panic("unreachable")
}

func describe(t *testing.T, event watch.Event) string {
	t.Helper()
	accessor, err := meta.CommonAccessor(event.Object)
	if err != nil {
		t.Fatalf("event %s: %v", event.Type, event.Object)
	}
	if object, err := meta.Accessor(event.Object); err == nil {
		return fmt.Sprintf("%s %s", event.Type, object.GetName())
	}
	return fmt.Sprintf("%s %s", event.Type, accessor.GetResourceVersion())
}

func TestWatchTellsOfEachChangeInOrder(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	list, err := client.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	watcher, err := client.Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Stop()
	cluster.CreateDittoServer(t, namespace, "files")
	if _, err := client.Patch(t.Context(), "files", types.MergePatchType, []byte(`{"spec":{"replicas":0}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := client.Delete(t.Context(), "files", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	removeFinalizers(t, namespace, "files")
	for _, want := range []string{"ADDED files", "MODIFIED files", "MODIFIED files", "DELETED files"} {
		if got := describe(t, next(t, watcher)); got != want {
			t.Fatalf("event %s, want %s", got, want)
		}
	}
}

// An informer that comes from a store that was lost would else wait for the new one to come so far, and show what was lost.
func TestAWatchFromARevisionOfAnotherStoreIsToldToListAnew(t *testing.T) {
	servers, classes := cluster.Admin.DittoServers(cluster.Namespace(t)), cluster.Admin.DittoFS.DittofsV1alpha1().DittoServerClasses()
	options := metav1.ListOptions{ResourceVersion: "1000000000000", TimeoutSeconds: ptr.To(int64(30))}
	for kind, begin := range map[string]func(context.Context, metav1.ListOptions) (watch.Interface, error){"servers": servers.Watch, "classes": classes.Watch} {
		watcher, err := begin(t.Context(), options)
		if !apierrors.IsResourceExpired(err) || !strings.Contains(err.Error(), "list anew") {
			t.Errorf("%s: got %v", kind, err)
		}
		if err == nil {
			watcher.Stop()
		}
	}
}

func TestHazard15WatchSendsInitialEventsAndABookmark(t *testing.T) {
	namespace := cluster.Namespace(t)
	server := cluster.CreateDittoServer(t, namespace, "files")
	watcher, err := cluster.Admin.DittoServers(namespace).Watch(t.Context(), metav1.ListOptions{
		SendInitialEvents: ptr.To(true), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
		AllowWatchBookmarks: true, TimeoutSeconds: ptr.To[int64](30),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Stop()
	if got := describe(t, next(t, watcher)); got != "ADDED files" {
		t.Fatalf("first event %s", got)
	}
	bookmark := next(t, watcher)
	object, err := meta.Accessor(bookmark.Object)
	if err != nil || bookmark.Type != watch.Bookmark {
		t.Fatalf("second event %s, want a bookmark: %v", bookmark.Type, err)
	}
	// Without the annotation, clients that stream lists wait for ever.
	if object.GetAnnotations()[metav1.InitialEventsAnnotationKey] != "true" {
		t.Errorf("the bookmark does not end the initial events: %v", object.GetAnnotations())
	}
	if order, err := resourceversion.CompareResourceVersion(object.GetResourceVersion(), server.ResourceVersion); err != nil || order < 0 {
		t.Errorf("the bookmark is of version %s, the object of %s", object.GetResourceVersion(), server.ResourceVersion)
	}
}

func TestWatchSendsABookmarkBeforeItTimesOut(t *testing.T) {
	namespace := cluster.Namespace(t)
	watcher, err := cluster.Admin.DittoServers(namespace).Watch(t.Context(), metav1.ListOptions{
		ResourceVersion: "0", AllowWatchBookmarks: true, TimeoutSeconds: ptr.To[int64](4),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Stop()
	if event := next(t, watcher); event.Type != watch.Bookmark {
		t.Errorf("event %s, want a bookmark", event.Type)
	}
}

func TestInformersSyncByStreaming(t *testing.T) {
	namespace := cluster.Namespace(t)
	cluster.CreateDittoServer(t, namespace, "files")
	user := cluster.User(t, "informer", "system:masters")
	ctx, cancel := context.WithTimeout(t.Context(), harness.PatienceLimit)
	defer cancel()
	factory := informers.NewSharedInformerFactoryWithOptions(user.DittoFS, time.Hour, informers.WithNamespace(namespace))
	lister := factory.Dittofs().V1alpha1().DittoServers().Lister()
	factory.Start(ctx.Done())
	defer factory.Shutdown()
	defer cancel()
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			t.Fatalf("the informer of %s does not sync", kind)
		}
	}
	if _, err := lister.DittoServers(namespace).Get("files"); err != nil {
		t.Error(err)
	}
	cluster.CreateDittoServer(t, namespace, "more")
	harness.Eventually(t, "the informer hears of a new object", func(context.Context) error {
		_, err := lister.DittoServers(namespace).Get("more")
		return err
	})
	for _, event := range cluster.Requests(t, user.Name) {
		if event.Verb == "list" {
			t.Errorf("the informer fell back to a list: %s", event.RequestURI)
		}
		if event.Verb == "watch" && !strings.Contains(event.RequestURI, "sendInitialEvents=true") {
			t.Errorf("the informer does not stream its list: %s", event.RequestURI)
		}
	}
}
