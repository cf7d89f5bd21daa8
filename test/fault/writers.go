// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	clients "github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned/typed/dittofs/v1alpha1"
)

const (
	// annotation has the value of an object. Every write has another one.
	annotation = "fault.dittofs.io/value"
	// callLimit is how long an answer may take. Later ones count as none.
	callLimit = 5 * time.Second
)

// direct is a connection to the server itself that repeats nothing: a client that tries again on its own would write twice
// and tell of one.
func direct(config *rest.Config) (clients.DittoServerClassInterface, error) {
	config.QPS = -1
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return onceOnly{next} })
	client, err := clients.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return client.DittoServerClasses(), nil
}

type onceOnly struct{ next http.RoundTripper }

func (o onceOnly) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := o.next.RoundTrip(request)
	if response != nil {
		response.Header.Del("Retry-After")
	}
	return response, err
}

// objects are the names that are written to at one time. One that has had enough is replaced by a new name.
type objects struct {
	history *history
	mu      sync.Mutex
	names   []string
	made    int
}

func (o *objects) pick(random *rand.Rand) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := random.IntN(len(o.names))
	if o.names[i] == "" || o.history.retired(o.names[i]) {
		o.names[i] = fmt.Sprintf("class-%04d", o.made)
		o.made++
	}
	return o.names[i]
}

// writer does one operation after another.
type writer struct {
	id      int
	classes clients.DittoServerClassInterface
	history *history
	objects *objects
	random  *rand.Rand
	values  *atomic.Int64
}

func (w *writer) run(ctx context.Context) {
	for ctx.Err() == nil {
		if !w.one(ctx) {
			// Nobody listens. The history has nothing of it.
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

// one does one operation, and says whether the server was reached.
func (w *writer) one(ctx context.Context) bool {
	name, value := w.objects.pick(w.random), fmt.Sprintf("v%d", w.values.Add(1))
	// The run ends between operations, not within one.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
	defer cancel()
	called := w.history.now()
	var o operation
	var err error
	switch n := w.random.IntN(100); {
	case n < 20:
		o.kind, o.value = create, value
		o, err = answered(o)(w.classes.Create(ctx, named(name, value), metav1.CreateOptions{}))
	case n < 45:
		o.kind, o.value = write, value
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, annotation, value)
		o, err = answered(o)(w.classes.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{}))
	case n < 65:
		return w.replace(ctx, name, value)
	case n < 75:
		o.kind = remove
		err = w.classes.Delete(ctx, name, metav1.DeleteOptions{})
	default:
		var got *dittofsv1alpha1.DittoServerClass
		o.kind = read
		if got, err = w.classes.Get(ctx, name, metav1.GetOptions{}); err == nil {
			o.got = got.Annotations[annotation]
		}
	}
	return w.record(name, called, o, err)
}

// replace reads an object and updates exactly what it has read.
func (w *writer) replace(ctx context.Context, name, value string) bool {
	called := w.history.now()
	got, err := w.classes.Get(ctx, name, metav1.GetOptions{})
	o := operation{kind: read}
	if err == nil {
		o.got = got.Annotations[annotation]
	}
	if !w.record(name, called, o, err) || err != nil {
		return err == nil || apierrors.IsNotFound(err)
	}
	o = operation{kind: replace, expected: got.Annotations[annotation], value: value}
	got.Annotations[annotation] = value
	called = w.history.now()
	o, err = answered(o)(w.classes.Update(ctx, got, metav1.UpdateOptions{}))
	return w.record(name, called, o, err)
}

func named(name, value string) *dittofsv1alpha1.DittoServerClass {
	class := &dittofsv1alpha1.DittoServerClass{}
	class.Name, class.Annotations = name, map[string]string{annotation: value}
	return class
}

// answered notes the version of a write.
func answered(o operation) func(*dittofsv1alpha1.DittoServerClass, error) (operation, error) {
	return func(class *dittofsv1alpha1.DittoServerClass, err error) (operation, error) {
		if err == nil {
			o.version = class.ResourceVersion
		}
		return o, err
	}
}

// record puts an operation into the history, unless it tells nothing: a read without an answer, a patch that lost against
// others, and what never reached the server. It says whether the server was reached.
func (w *writer) record(name string, called int64, o operation, err error) bool {
	switch {
	case err == nil:
		o.outcome = done
	case apierrors.IsNotFound(err):
		o.outcome = absent
	case apierrors.IsAlreadyExists(err):
		o.outcome = exists
	case apierrors.IsConflict(err) && o.kind == replace:
		o.outcome = conflict
	case apierrors.IsConflict(err), apierrors.IsTooManyRequests(err):
		return true
	case errors.Is(err, syscall.ECONNREFUSED):
		return false
	case o.kind == read:
		return false
	default:
		o.outcome = unknown
	}
	w.history.add(w.id, name, called, o)
	return o.outcome != unknown
}
