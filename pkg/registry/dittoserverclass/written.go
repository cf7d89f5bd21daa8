// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserverclass

import (
	"strconv"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
)

// written is the revision of the last change of a class that went through this process. A read of the watch cache that
// asks for it sees all such changes, and costs no request to etcd: a create asks for its class several times, and each
// request to etcd waits for the disk behind the writes of others.
type written struct{ revision atomic.Uint64 }

// watch has the store tell of its changes, before whoever made them gets an answer.
func (w *written) watch(store *genericregistry.Store) {
	store.AfterCreate = func(obj runtime.Object, _ *metav1.CreateOptions) { w.saw(obj) }
	store.AfterUpdate = func(obj runtime.Object, _ *metav1.UpdateOptions) { w.saw(obj) }
	store.AfterDelete = func(obj runtime.Object, _ *metav1.DeleteOptions) { w.saw(obj) }
}

func (w *written) saw(obj runtime.Object) {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return
	}
	revision, err := strconv.ParseUint(accessor.GetResourceVersion(), 10, 64)
	if err != nil {
		return
	}
	for {
		known := w.revision.Load()
		if revision <= known || w.revision.CompareAndSwap(known, revision) {
			return
		}
	}
}

// Written is the resource version to read with; 0 if this process has written none, which any state of the cache meets.
func (w *written) Written() string { return strconv.FormatUint(w.revision.Load(), 10) }
