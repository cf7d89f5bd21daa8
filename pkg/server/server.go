// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/klog/v2"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/backup"
	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
	"github.com/dittofs/dittofs-apiserver/pkg/registry/dittoserver"
	"github.com/dittofs/dittofs-apiserver/pkg/registry/dittoserverclass"
	"github.com/dittofs/dittofs-apiserver/pkg/servingcert"
	"github.com/dittofs/dittofs-apiserver/pkg/storeidentity"
)

// Server is a built server; Run serves.
type Server struct {
	options    *Options
	scheme     *runtime.Scheme
	codecs     serializer.CodecFactory
	identities *identities

	host *hostCluster
	// certificate and keeper are nil where certificates come from files.
	certificate *servingcert.Source
	keeper      *servingcert.Keeper
	embedded    *etcd.Embedded
	etcdClient  *clientv3.Client
	guard       *storeidentity.Guard
	verdict     storeidentity.Verdict

	policiesLeftOut bool
	generic         *genericapiserver.GenericAPIServer
	servers         rest.Lister
	classes         classes

	// background is everything that Run waits for after the last request.
	background sync.WaitGroup
}

// ErrRestart ends Run when the process should be started again, for example
// because the host cluster was upgraded and serves more kinds than before.
var ErrRestart = errors.New("restart to use what the host cluster serves now")

// build makes the generic server. The informers of the host are not handed to
// it: they would then hold its readiness, and a red readyz takes down the
// APIService and with it every namespace deletion in the cluster. Reads need no
// informer; writes wait for those of the admission plugins by themselves.
func (s *Server) build(config *genericapiserver.RecommendedConfig) error {
	generic, err := config.Config.Complete(nil).New("dittofs-apiserver", genericapiserver.NewEmptyDelegate())
	if err != nil {
		return err
	}
	s.generic = generic
	getter := plainGetter{config.RESTOptionsGetter}
	storage, err := dittoserver.NewStorage(s.scheme, getter)
	if err != nil {
		return err
	}
	s.servers = storage.DittoServer
	classStorage, err := dittoserverclass.NewStorage(s.scheme, getter, storage.DittoServer)
	if err != nil {
		return err
	}
	s.classes = classes{store: classStorage, servers: storage.DittoServer}
	group := s.groupInfo()
	group.VersionedResourcesStorageMap[dittofsv1alpha1.SchemeGroupVersion.Version] = map[string]rest.Storage{
		"dittoservers":          storage.DittoServer,
		"dittoservers/status":   storage.Status,
		"dittoservers/scale":    storage.Scale,
		"dittoservers/finalize": storage.Finalize,
		"dittoserverclasses":    classStorage,
	}
	s.addLiveSubresources(group.VersionedResourcesStorageMap[dittofsv1alpha1.SchemeGroupVersion.Version],
		storage.DittoServer, config.Authorization.Authorizer)
	if err := generic.InstallAPIGroup(&group); err != nil {
		return fmt.Errorf("install the API group: %w", err)
	}
	installMetrics(generic.Handler.NonGoRestfulMux)
	generic.Handler.NonGoRestfulMux.Handle(backup.Path, backup.Handler(s.etcdClient))
	checks := []healthz.HealthChecker{healthz.NamedCheck("dittoservers-cache", func(*http.Request) error {
		return storage.DittoServer.ReadinessCheck()
	}), healthz.NamedCheck("dittoserverclasses-cache", func(*http.Request) error {
		return classStorage.ReadinessCheck()
	})}
	if aggregator := config.Authentication.RequestHeaderConfig; aggregator != nil {
		checks = append(checks, aggregatorKnown(generic.LoopbackClientConfig, aggregator.CAContentProvider))
	}
	return generic.AddReadyzChecks(checks...)
}

// Run serves until ctx is done, then lets requests in flight end, stops the
// controllers and closes the store. An embedded etcd that stops on its own ends
// it with an error.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer s.close()

	s.generic.AddPostStartHookOrDie("dittofs-host-informers", func(hook genericapiserver.PostStartHookContext) error {
		s.host.informers.Start(hook.Done())
		return nil
	})
	serving := make(chan struct{})
	s.generic.AddPostStartHookOrDie("dittofs-controllers", func(genericapiserver.PostStartHookContext) error {
		close(serving)
		return nil
	})
	s.background.Go(func() {
		select {
		case <-serving:
		case <-ctx.Done():
			return
		}
		if err := s.runControllers(ctx); err != nil {
			cancel(fmt.Errorf("controllers: %w", err))
		}
	})
	if !s.verdict.ObserveOnly {
		// What is only observed is not recorded as ours.
		s.background.Go(func() { s.guard.Run(ctx) })
	}
	if s.keeper != nil {
		s.background.Go(func() { s.keeper.Run(ctx) })
	}
	if s.options.Snapshots.Dir != "" {
		s.background.Go(func() {
			if err := s.takeSnapshots(ctx); err != nil {
				cancel(err)
			}
		})
	}
	if s.policiesLeftOut {
		s.background.Go(func() { s.lookForPolicies(ctx, cancel) })
	}
	if s.embedded != nil {
		s.background.Go(func() {
			select {
			case err := <-s.embedded.Stopped():
				cancel(fmt.Errorf("the embedded etcd stopped: %w", err))
			case <-ctx.Done():
			}
		})
	}
	err := s.generic.PrepareRun().RunWithContext(ctx)
	// A cause other than the plain end of ctx is why the server stopped.
	if cause := context.Cause(ctx); err == nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	cancel(nil)
	s.background.Wait()
	return err
}

// lookForPolicies ends the process, gracefully, once the host serves the kind
// that was missing at the start: plugins cannot be added to a running chain.
func (s *Server) lookForPolicies(ctx context.Context, cancel context.CancelCauseFunc) {
	ticker := time.NewTicker(policyLookInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		served, err := servesMutatingPolicies(s.host.client.Discovery())
		if err != nil {
			klog.ErrorS(err, "Looking for MutatingAdmissionPolicy")
		} else if served {
			cancel(ErrRestart)
			return
		}
	}
}

// holdsServers tells whether there is a DittoServer in the namespace of ctx.
func (s *Server) holdsServers(ctx context.Context) (bool, error) {
	list, err := s.servers.List(ctx, &internalversion.ListOptions{Limit: 1})
	if err != nil {
		return false, err
	}
	return meta.LenList(list) > 0, nil
}

// close gives back what New took, in reverse order.
func (s *Server) close() {
	if s.etcdClient != nil {
		if err := s.etcdClient.Close(); err != nil && !errors.Is(err, context.Canceled) {
			klog.ErrorS(err, "Closing the client of etcd")
		}
	}
	if s.embedded != nil {
		if err := s.embedded.Close(); err != nil {
			klog.ErrorS(err, "Stopping the embedded etcd")
		}
	}
}
