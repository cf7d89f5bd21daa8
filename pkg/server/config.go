// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/version"
	netutils "k8s.io/utils/net"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs"
	generatedopenapi "github.com/dittofs/dittofs-apiserver/pkg/generated/openapi"
	"github.com/dittofs/dittofs-apiserver/pkg/servingcert"
	"github.com/dittofs/dittofs-apiserver/pkg/storeidentity"
)

// New connects to the host cluster, opens the store and builds the server. What
// it started is stopped by Server.Run, or by itself if it fails.
func New(ctx context.Context, options *Options) (_ *Server, err error) {
	scheme := NewScheme()
	s := &Server{options: options, scheme: scheme, codecs: newCodecs(scheme), identities: newIdentities()}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	registerMetrics()
	hostConfig, err := loadHostConfig(options.Host.Kubeconfig)
	if err != nil {
		return nil, err
	}
	config := genericapiserver.NewRecommendedConfig(s.codecs)
	if err := options.ServerRun.ApplyTo(&config.Config); err != nil {
		return nil, err
	}
	// The port is taken before anything else happens, so that a second process
	// on the same port ends without a trace.
	if err := s.listen(&config.Config); err != nil {
		return nil, err
	}
	if s.host, err = connect(ctx, hostConfig); err != nil {
		return nil, err
	}
	if err := s.prepareCertificate(ctx); err != nil {
		return nil, err
	}
	if err := s.openStore(ctx); err != nil {
		return nil, err
	}
	setOpenAPI(config, s.scheme)
	if err := s.applyOptions(config); err != nil {
		return nil, err
	}
	serializer := jsonSerializer{s.codecs}
	config.BuildHandlerChainFunc = func(handler http.Handler, c *genericapiserver.Config) http.Handler {
		return genericapiserver.DefaultBuildHandlerChain(refuseWrites(handler, serializer, s.verdict, s.holdsServers), c)
	}
	config.LongRunningFunc = longRunning(config.LongRunningFunc)
	// Installed by ourselves, with the controllers' metrics beside.
	config.EnableMetrics = false
	return s, s.build(config)
}

// listen opens the port. The library's error does not name the flag.
func (s *Server) listen(config *genericapiserver.Config) error {
	options := s.options
	if err := s.chooseCertificate(); err != nil {
		return err
	}
	if err := options.SecureServing.ApplyToConfig(config); err != nil {
		return fmt.Errorf("--secure-port %d: %w", options.SecureServing.BindPort, err)
	}
	if s.certificate == nil {
		servingcert.Observe(config.SecureServing.Cert)
	}
	return nil
}

func setOpenAPI(config *genericapiserver.RecommendedConfig, scheme *runtime.Scheme) {
	namer := openapi.NewDefinitionNamer(scheme)
	config.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(generatedopenapi.GetOpenAPIDefinitions, namer)
	config.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(generatedopenapi.GetOpenAPIDefinitions, namer)
	config.OpenAPIConfig.Info.Title, config.OpenAPIV3Config.Info.Title = "dittofs-apiserver", "dittofs-apiserver"
	config.OpenAPIConfig.Info.Version = version.Get().GitVersion
	config.OpenAPIV3Config.Info.Version = version.Get().GitVersion
}

// applyOptions applies the parts of the library in the order in which they need each other.
func (s *Server) applyOptions(config *genericapiserver.RecommendedConfig) error {
	options := s.options
	if config.PublicAddress == nil {
		// What is advertised is not used by an aggregated server, but must not be empty.
		config.PublicAddress = netutils.ParseIPSloppy("127.0.0.1")
	}
	if err := options.Etcd.ApplyTo(&config.Config); err != nil {
		if file := options.Etcd.EncryptionProviderConfigFilepath; file != "" {
			err = fmt.Errorf("--encryption-provider-config %s: %w", file, err)
		}
		return err
	}
	if err := options.Traces.ApplyTo(nil, &config.Config); err != nil {
		return err
	}
	s.host.applyTo(config)
	if err := options.Authentication.ApplyTo(&config.Authentication, config.SecureServing, config.OpenAPIConfig); err != nil {
		return err
	}
	if err := options.Authorization.ApplyTo(&config.Authorization); err != nil {
		return err
	}
	if err := s.identities.applyTo(&config.Config); err != nil {
		return err
	}
	if err := options.Audit.ApplyTo(&config.Config); err != nil {
		return err
	}
	if err := options.Features.ApplyTo(&config.Config, s.host.client, s.host.informers); err != nil {
		return err
	}
	served, err := servesMutatingPolicies(s.host.client.Discovery())
	if err != nil {
		return err
	}
	if s.policiesLeftOut, err = leaveOutMutatingPolicies(options.Admission, served); err != nil {
		return err
	}
	initializers, err := newInitializers(s.host.config, &s.classes, s.etcdClient, recordsPrefix(options.Etcd.StorageConfig.Prefix), s.embedded == nil)
	if err != nil {
		return err
	}
	return options.Admission.ApplyTo(&config.Config, s.host.informers, s.host.client, s.host.dynamic,
		config.FeatureGate, config.EffectiveVersion, initializers)
}

// openStore starts or reaches etcd and asks whether it is the store of this host.
func (s *Server) openStore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := s.startEtcd(ctx); err != nil {
		return err
	}
	s.guard = storeidentity.New(storeidentity.Config{
		Etcd: s.etcdClient, Prefix: s.options.Etcd.StorageConfig.Prefix, Group: dittofs.GroupName,
		Host: s.host.client, Namespace: s.options.Host.Namespace, Accept: s.options.Store.Accept, RecordInterval: s.options.Store.RecordInterval,
	})
	var err error
	if s.verdict, err = s.guard.Check(ctx); err != nil {
		return fmt.Errorf("compare the store with the one the host cluster knows: %w", err)
	}
	return nil
}

// groupInfo is a short name for what InstallAPIGroup takes.
func (s *Server) groupInfo() genericapiserver.APIGroupInfo {
	info := genericapiserver.NewDefaultAPIGroupInfo(dittofs.GroupName, s.scheme, runtime.NewParameterCodec(s.scheme), s.codecs)
	info.NegotiatedSerializer = jsonSerializer{s.codecs}
	return info
}

var _ runtime.NegotiatedSerializer = jsonSerializer{serializer.CodecFactory{}}
