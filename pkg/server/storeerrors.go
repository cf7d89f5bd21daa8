// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
)

// reasonStoreFull is the reason of an answer 507.
const reasonStoreFull = "StoreFull"

// plainGetter makes stores that say of etcd's failures what a client can do about them. The library hands most of them out
// as 500, which no client tries again, also while etcd only elects another leader.
type plainGetter struct{ generic.RESTOptionsGetter }

func (g plainGetter) GetRESTOptions(resource schema.GroupResource, example runtime.Object) (generic.RESTOptions, error) {
	options, err := g.RESTOptionsGetter.GetRESTOptions(resource, example)
	if err != nil {
		return options, err
	}
	decorate := options.Decorator
	options.Decorator = func(config *storagebackend.ConfigForResource, prefix string, key func(runtime.Object) (string, error),
		newObject, newList func() runtime.Object, attributes storage.AttrFunc, triggers storage.IndexerFuncs, indexers *cache.Indexers,
	) (storage.Interface, factory.DestroyFunc, error) {
		store, destroy, err := decorate(config, prefix, key, newObject, newList, attributes, triggers, indexers)
		return plainStore{store}, destroy, err
	}
	return options, nil
}

type plainStore struct{ storage.Interface }

func (s plainStore) Create(ctx context.Context, key string, object, out runtime.Object, ttl uint64) error {
	return writeError(s.Interface.Create(ctx, key, object, out, ttl))
}

func (s plainStore) Delete(ctx context.Context, key string, out runtime.Object, preconditions *storage.Preconditions,
	validate storage.ValidateObjectFunc, cached runtime.Object, options storage.DeleteOptions,
) error {
	return writeError(s.Interface.Delete(ctx, key, out, preconditions, validate, cached, options))
}

func (s plainStore) GuaranteedUpdate(ctx context.Context, key string, destination runtime.Object, ignoreNotFound bool,
	preconditions *storage.Preconditions, update storage.UpdateFunc, cached runtime.Object,
) error {
	return writeError(s.Interface.GuaranteedUpdate(ctx, key, destination, ignoreNotFound, preconditions, update, cached))
}

func (s plainStore) Get(ctx context.Context, key string, options storage.GetOptions, into runtime.Object) error {
	return readError(s.Interface.Get(ctx, key, options, into))
}

func (s plainStore) GetList(ctx context.Context, key string, options storage.ListOptions, into runtime.Object) error {
	return readError(s.Interface.GetList(ctx, key, options, into))
}

func (s plainStore) Watch(ctx context.Context, key string, options storage.ListOptions) (watch.Interface, error) {
	if err := s.behind(ctx, options); err != nil {
		return nil, err
	}
	events, err := s.Interface.Watch(ctx, key, options)
	return events, readError(err)
}

// revisionLimit is how long a watch waits to learn the revision of the store. Without a quorum nobody knows it, and there are
// watches all the same, from the cache.
const revisionLimit = 2 * time.Second

// behind refuses a watch from a revision that the store has not come to: it is one of another store, whose place this one has
// taken. The library waits for it and tells nothing, for up to ten minutes, in which an informer shows what was lost. Who is
// told that the revision is gone lists anew.
func (s plainStore) behind(ctx context.Context, options storage.ListOptions) error {
	asked, err := s.Versioner().ParseResourceVersion(options.ResourceVersion)
	if err != nil || asked == 0 || options.SendInitialEvents != nil {
		return nil // the library sees to these
	}
	ctx, cancel := context.WithTimeout(ctx, revisionLimit)
	defer cancel()
	current, err := s.GetCurrentResourceVersion(ctx)
	if err != nil || asked <= current {
		return nil
	}
	return apierrors.NewResourceExpired(fmt.Sprintf("resourceVersion %d is not of this store, which is at %d: list anew", asked, current))
}

// readError: to ask again is harmless.
func readError(err error) error {
	if unavailable(err) {
		return later(err)
	}
	return err
}

// writeError tells a write that was refused from one that may have been carried out, of which nobody has heard.
func writeError(err error) error {
	switch {
	case errors.Is(err, rpctypes.ErrNoSpace):
		return &apierrors.StatusError{ErrStatus: metav1.Status{
			Status: metav1.StatusFailure, Code: http.StatusInsufficientStorage, Reason: reasonStoreFull,
			Message: "the store is full (" + err.Error() + "): an administrator has to make room, as docs/runbooks.md says",
		}}
	case errors.Is(err, rpctypes.ErrTooManyRequests):
		return apierrors.NewTooManyRequests(err.Error(), 1)
	case errors.Is(err, rpctypes.ErrNoLeader), errors.Is(err, rpctypes.ErrUnhealthy):
		return later(err)
	case unavailable(err):
		return apierrors.NewTimeoutError("the store did not answer ("+err.Error()+"). The change may have been carried out: look before you try again", 0)
	}
	return err
}

// later is a 503 that clients try again by themselves.
func later(err error) error {
	answer := apierrors.NewServiceUnavailable("the store does not answer (" + err.Error() + "): try again")
	answer.ErrStatus.Details = &metav1.StatusDetails{RetryAfterSeconds: 1}
	return answer
}

// unavailable is what the client of etcd says of an etcd that is away, or has no leader.
func unavailable(err error) bool {
	var typed rpctypes.EtcdError
	if errors.As(err, &typed) {
		return typed.Code() == codes.Unavailable
	}
	known, ok := status.FromError(err)
	return ok && known.Code() == codes.Unavailable
}
