// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/compatibility"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	baseversion "k8s.io/component-base/version"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs"
	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/storeidentity"
)

// Options are the flags of the server. The parts of the library are applied one
// by one instead of as RecommendedOptions, which leave out ServerRunOptions and
// build the client of the host with a rate limit of 5 requests a second.
type Options struct {
	ServerRun      *genericoptions.ServerRunOptions
	Etcd           *genericoptions.EtcdOptions
	SecureServing  *genericoptions.SecureServingOptionsWithLoopback
	Authentication *genericoptions.DelegatingAuthenticationOptions
	Authorization  *genericoptions.DelegatingAuthorizationOptions
	Audit          *genericoptions.AuditOptions
	Features       *genericoptions.FeatureOptions
	Admission      *genericoptions.AdmissionOptions
	Traces         *genericoptions.TracingOptions
	Logs           *logs.Options

	Store       StoreOptions
	Snapshots   SnapshotOptions
	Host        HostOptions
	Certificate CertificateOptions
	Controllers ControllerOptions
	Access      AccessOptions
}

// StoreOptions choose between the embedded etcd and an external one.
type StoreOptions struct {
	// DataDir is where the embedded etcd keeps its files.
	DataDir string
	// QuotaBytes is the size at which the embedded etcd refuses writes; 0 is etcd's default of 2 GiB.
	QuotaBytes int64
	// Accept takes the store as it is, whatever the host cluster remembers of it.
	Accept bool
	// RecordInterval is the least time between two writes of the store's revision to the host cluster.
	RecordInterval time.Duration
}

// HostOptions lead to the host cluster.
type HostOptions struct {
	// Kubeconfig is a file; empty means the ServiceAccount of the pod.
	Kubeconfig string
	// Namespace of the host holds what the server keeps there: the lease and the store's identity.
	Namespace string
}

const (
	etcdPrefix       = "/registry"
	defaultDataDir   = "/var/lib/dittofs-apiserver"
	defaultNamespace = "dittofs-system"
)

// NewOptions returns the defaults.
func NewOptions() *Options {
	scheme := NewScheme()
	codec := newCodecs(scheme).LegacyCodec(dittofsv1alpha1.SchemeGroupVersion)
	storage := storagebackend.NewDefaultConfig(etcdPrefix, codec)
	storage.EncodeVersioner = runtime.NewMultiGroupVersioner(dittofsv1alpha1.SchemeGroupVersion,
		schema.GroupKind{Group: dittofs.GroupName, Kind: "DittoServer"},
		schema.GroupKind{Group: dittofs.GroupName, Kind: "DittoServerList"},
		schema.GroupKind{Group: dittofs.GroupName, Kind: "DittoServerClass"},
		schema.GroupKind{Group: dittofs.GroupName, Kind: "DittoServerClassList"})

	serving := genericoptions.NewSecureServingOptions()
	// kube-apiserver brings the requests of everybody over few connections.
	serving.HTTP2MaxStreamsPerConnection = 1000
	serving.BindPort = 10250
	// Certificates come from files: a self-signed one could not be verified by the aggregator.
	serving.ServerCert.CertDirectory = ""

	return &Options{
		ServerRun:      newServerRunOptions(),
		Etcd:           genericoptions.NewEtcdOptions(storage),
		SecureServing:  serving.WithLoopback(),
		Authentication: genericoptions.NewDelegatingAuthenticationOptions(),
		Authorization:  genericoptions.NewDelegatingAuthorizationOptions(),
		Audit:          genericoptions.NewAuditOptions(),
		Features:       genericoptions.NewFeatureOptions(),
		Admission:      newAdmissionOptions(),
		Traces:         genericoptions.NewTracingOptions(),
		Logs:           logs.NewOptions(),
		Store:          StoreOptions{DataDir: defaultDataDir, RecordInterval: storeidentity.DefaultRecordInterval},
		Snapshots:      newSnapshotOptions(),
		Host:           HostOptions{Namespace: defaultNamespace},
		Certificate:    CertificateOptions{Service: "dittofs-apiserver"},
		Controllers:    newControllerOptions(),
		Access:         newAccessOptions(),
	}
}

// newServerRunOptions uses the version of the Kubernetes library for feature
// gates and policies, not that of this program, and a registry of its own
// instead of the global one.
func newServerRunOptions() *genericoptions.ServerRunOptions {
	registry := compatibility.NewComponentGlobalsRegistry()
	effective := compatibility.NewEffectiveVersionFromString(baseversion.DefaultKubeBinaryVersion, "", "")
	_, _ = registry.ComponentGlobalsOrRegister(compatibility.DefaultKubeComponent, effective, utilfeature.DefaultMutableFeatureGate)
	options := genericoptions.NewServerRunOptionsForComponent(compatibility.DefaultKubeComponent, registry)
	options.ShutdownSendRetryAfter = true
	// Watches are told to end. Without it the process waits a minute for the watches of the host's controllers, which
	// never end by themselves, and a rollout is an outage of that length. It takes as long as it takes, not 10 s.
	options.ShutdownWatchTerminationGracePeriod = 10 * time.Second
	return options
}

// Flags returns the flags by subject, the form in which --help prints them.
func (o *Options) Flags() (sets cliflag.NamedFlagSets) {
	host := sets.FlagSet("host cluster")
	host.StringVar(&o.Host.Kubeconfig, "kubeconfig", o.Host.Kubeconfig,
		"File with the connection to the Kubernetes cluster that proxies to this server and in which the file servers run. Left out, the ServiceAccount of the pod is used. It serves delegated authentication and authorization too, unless they have files of their own.")
	host.StringVar(&o.Host.Namespace, "namespace", o.Host.Namespace,
		"Namespace of the host cluster that holds the leader election lease and the ConfigMap dittofs-store.")

	store := sets.FlagSet("store")
	store.StringVar(&o.Store.DataDir, "data-dir", o.Store.DataDir,
		"Directory of the embedded etcd, which is used when --etcd-servers is not given.")
	store.Int64Var(&o.Store.QuotaBytes, "embedded-etcd-quota-bytes", o.Store.QuotaBytes,
		"Size in bytes at which the embedded etcd refuses writes. 0 means 2 GiB. The volume should be at least three times as large.")
	store.BoolVar(&o.Store.Accept, "accept-store", o.Store.Accept,
		"Serve a store that the host cluster knows to be newer, or does not know, instead of observing only. What it holds is carried out.")
	store.DurationVar(&o.Store.RecordInterval, "store-record-interval", o.Store.RecordInterval,
		"Least time between two writes of the store's revision to the ConfigMap dittofs-store, at least 1s. A store older than the revision written there is observed only.")
	o.Snapshots.addFlags(sets.FlagSet("snapshots"))
	o.Etcd.AddFlags(sets.FlagSet("etcd"))

	o.Controllers.addFlags(sets.FlagSet("controllers"))
	o.Access.addFlags(sets.FlagSet("access to servers"))
	o.SecureServing.AddFlags(sets.FlagSet("secure serving"))
	o.Certificate.addFlags(sets.FlagSet("secure serving"))
	o.Authentication.AddFlags(sets.FlagSet("authentication"))
	o.Authorization.AddFlags(sets.FlagSet("authorization"))
	o.Admission.AddFlags(sets.FlagSet("admission"))
	o.Audit.AddFlags(sets.FlagSet("audit"))
	o.Features.AddFlags(sets.FlagSet("features"))
	o.Traces.AddFlags(sets.FlagSet("traces"))
	o.ServerRun.AddUniversalFlags(sets.FlagSet("requests and shutdown"))
	logsapi.AddFlags(o.Logs, sets.FlagSet("logs"))
	return sets
}

// Complete fills in what follows from other flags.
func (o *Options) Complete() error {
	if err := o.ServerRun.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	if o.Authentication.RemoteKubeConfigFile == "" {
		o.Authentication.RemoteKubeConfigFile = o.Host.Kubeconfig
	}
	if o.Authorization.RemoteKubeConfigFile == "" {
		o.Authorization.RemoteKubeConfigFile = o.Host.Kubeconfig
	}
	return nil
}

// embedded is true when the server brings its own etcd.
func (o *Options) embedded() bool { return len(o.Etcd.StorageConfig.Transport.ServerList) == 0 }

// Validate returns every mistake in the flags at once.
func (o *Options) Validate() error {
	var errs []error
	if o.embedded() {
		if o.Store.DataDir == "" {
			errs = append(errs, errors.New("--data-dir must not be empty when --etcd-servers is not given"))
		}
		if o.Etcd.EncryptionProviderConfigAutomaticReload && o.Etcd.EncryptionProviderConfigFilepath == "" {
			errs = append(errs, errors.New("--encryption-provider-config-automatic-reload needs --encryption-provider-config"))
		}
	} else {
		errs = append(errs, o.Etcd.Validate()...)
	}
	if o.Store.QuotaBytes < 0 {
		errs = append(errs, fmt.Errorf("--embedded-etcd-quota-bytes=%d: must not be negative", o.Store.QuotaBytes))
	}
	if o.Store.RecordInterval < time.Second {
		errs = append(errs, fmt.Errorf("--store-record-interval=%s: must be at least 1s", o.Store.RecordInterval))
	}
	if o.Host.Namespace == "" {
		errs = append(errs, errors.New("--namespace must not be empty"))
	}
	if err := o.validateCertificate(); err != nil {
		errs = append(errs, err)
	}
	if o.SecureServing.BindPort == 0 {
		errs = append(errs, errors.New("--secure-port=0: must be 1 to 65535, the server has no other port"))
	}
	for _, part := range []interface{ Validate() []error }{
		o.ServerRun, o.SecureServing, o.Authentication, o.Authorization, o.Admission, o.Audit, o.Features, o.Traces,
	} {
		errs = append(errs, part.Validate()...)
	}
	errs = append(errs, o.validateFiles()...)
	errs = append(errs, o.Snapshots.validate(o.embedded())...)
	errs = append(errs, o.Controllers.validate()...)
	errs = append(errs, o.Access.validate()...)
	return errors.Join(errs...)
}

// validateFiles opens what the library opens late, when the store is open already, and with errors that name no flag.
func (o *Options) validateFiles() (errs []error) {
	for _, file := range []struct{ flag, path string }{
		{"--encryption-provider-config", o.Etcd.EncryptionProviderConfigFilepath},
		{"--audit-policy-file", o.Audit.PolicyFile},
	} {
		if file.path == "" {
			continue
		}
		opened, err := os.Open(file.path)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file.flag, err))
			continue
		}
		_ = opened.Close() // nothing was written
	}
	return errs
}

// policyLookInterval is how often a host that lacked a kind of policy is asked again.
const policyLookInterval = 5 * time.Minute
