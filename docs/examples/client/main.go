// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command client shows how another Go program works with DittoServers: it applies
// one with an apply configuration, follows it with an informer and a lister until
// it is Ready, and prints where it is reached. Of this module it compiles the types
// in apis/ and the code in pkg/generated, and no API server; running it a second
// time changes nothing and prints the same. It takes the cluster from KUBECONFIG,
// which needs the component generate-credentials, or else --jwt-secret and
// --admin-secret with the names of Secrets that have the keys jwt-secret and password.
//
//	make up
//	KUBECONFIG=.local/kubeconfig go run ./docs/examples/client --namespace default --name example
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	applyv1alpha1 "github.com/dittofs/dittofs-apiserver/pkg/generated/applyconfiguration/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned"
	"github.com/dittofs/dittofs-apiserver/pkg/generated/informers"
)

// fieldManager tells this program's fields from those of others: what it stops
// applying is taken away, what others set stays.
const fieldManager = "dittofs-client-example"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt) //nolint:forbidigo // main has no caller
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, out io.Writer) error {
	flags := flag.NewFlagSet("client", flag.ContinueOnError)
	namespace := flags.String("namespace", "default", "namespace of the DittoServer")
	name := flags.String("name", "example", "name of the DittoServer")
	size := flags.String("metadata-size", "1Gi", "size of the metadata volume")
	jwtSecret := flags.String("jwt-secret", "", "Secret with the key jwt-secret; empty: one is generated")
	adminSecret := flags.String("admin-secret", "", "Secret with the key password; empty: one is generated")
	timeout := flags.Duration("timeout", 5*time.Minute, "how long to wait until it is Ready")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	quantity, err := resource.ParseQuantity(*size)
	if err != nil {
		return fmt.Errorf("--metadata-size %q: %w", *size, err)
	}

	// KUBECONFIG, ~/.kube/config, or the ServiceAccount of the pod.
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	client, err := versioned.NewForConfig(config)
	if err != nil {
		return err
	}

	spec := applyv1alpha1.DittoServerSpec().
		WithStorage(applyv1alpha1.StorageSpec().WithMetadataSize(quantity)).
		WithIdentity(identity(*jwtSecret, *adminSecret))
	applied, err := client.DittofsV1alpha1().DittoServers(*namespace).Apply(ctx,
		applyv1alpha1.DittoServer(*name, *namespace).WithSpec(spec),
		metav1.ApplyOptions{FieldManager: fieldManager})
	if err != nil {
		return fmt.Errorf("applying DittoServer %s/%s: %w", *namespace, *name, err)
	}
	fmt.Fprintf(out, "applied %s/%s, generation %d\n", applied.Namespace, applied.Name, applied.Generation)

	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	ready, err := waitForReady(ctx, client, applied, out)
	if err != nil {
		return fmt.Errorf("waiting for DittoServer %s/%s to be Ready: %w", *namespace, *name, err)
	}
	printEndpoints(out, ready)
	return nil
}

func identity(jwtSecret, adminSecret string) *applyv1alpha1.IdentitySpecApplyConfiguration {
	result := applyv1alpha1.IdentitySpec()
	if jwtSecret != "" {
		result.WithJWT(applyv1alpha1.JWTSpec().WithSecretRef(
			applyv1alpha1.SecretKeyReference().WithName(jwtSecret).WithKey("jwt-secret")))
	}
	if adminSecret != "" {
		result.WithAdmin(applyv1alpha1.AdminSpec().WithPasswordSecretRef(
			applyv1alpha1.SecretKeyReference().WithName(adminSecret).WithKey("password")))
	}
	return result
}

// waitForReady reads the object from an informer's cache, which watches this one
// alone, each time that it has changed. What keeps it from being Ready is printed
// whenever that changes.
func waitForReady(ctx context.Context, client versioned.Interface, applied *dittofsv1alpha1.DittoServer, out io.Writer) (*dittofsv1alpha1.DittoServer, error) {
	ctx, cancel := context.WithCancel(ctx)
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(applied.Namespace),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) {
			options.FieldSelector = fields.OneTermEqualSelector("metadata.name", applied.Name).String()
		}))
	defer factory.Shutdown() // returns when the informer has, so after cancel
	defer cancel()
	servers := factory.Dittofs().V1alpha1().DittoServers()
	// Room for one signal is enough: who has been told looks at what is there by then.
	changed := make(chan struct{}, 1)
	tell := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	registration, err := servers.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { tell() },
		UpdateFunc: func(_, _ any) { tell() },
		DeleteFunc: func(any) { tell() },
	})
	if err != nil {
		return nil, err
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
		return nil, context.Cause(ctx)
	}
	lister := servers.Lister().DittoServers(applied.Namespace)
	last := "nothing was reported yet"
	for {
		server, err := lister.Get(applied.Name)
		switch {
		case apierrors.IsNotFound(err), err == nil && server.UID != applied.UID:
			return nil, errors.New("it was deleted meanwhile")
		case err != nil:
			return nil, err
		}
		ready := meta.FindStatusCondition(server.Status.Conditions, dittofsv1alpha1.ConditionReady)
		// A status that describes an older generation says nothing about what was applied.
		if ready != nil && ready.ObservedGeneration >= applied.Generation {
			if ready.Status == metav1.ConditionTrue {
				return server, nil
			}
			if now := ready.Reason + ": " + ready.Message; now != last {
				last = now
				fmt.Fprintln(out, now)
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w; %s", context.Cause(ctx), last)
		}
	}
}

func printEndpoints(out io.Writer, server *dittofsv1alpha1.DittoServer) {
	fmt.Fprintf(out, "version %s\n", server.Status.Version)
	fmt.Fprintf(out, "api     %s\n", server.Status.Endpoints.API)
	if external := server.Status.Endpoints.ExternalAPI; external != "" {
		fmt.Fprintf(out, "outside %s\n", external)
	}
	for _, adapter := range server.Status.Adapters {
		fmt.Fprintf(out, "%-7s %s  %s\n", adapter.Type, adapter.Address, adapter.MountHint)
	}
}
