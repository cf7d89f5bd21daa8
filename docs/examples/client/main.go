// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command client shows how another Go program works with DittoServers: it
// applies one, waits until it is Ready, and prints where it is reached.
// It needs no API server to be compiled, only client-go and the types.
//
// With the local cluster of `make up`, or any other that serves dittofs.io:
//
//	export KUBECONFIG=.local/kubeconfig
//	go run ./docs/examples/client --namespace default --name example
//
// The cluster needs the component generate-credentials, or --jwt-secret and
// --admin-secret with the names of Secrets that have the keys jwt-secret and
// password. Running it a second time changes nothing and prints the same.
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

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	watchtools "k8s.io/client-go/tools/watch"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	applyv1alpha1 "github.com/dittofs/dittofs-apiserver/pkg/generated/applyconfiguration/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned"
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
		return err
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

// waitForReady watches the one object until the controllers report, for the
// generation that was applied or a later one, that it is Ready. What keeps it
// from that is printed whenever it changes.
func waitForReady(ctx context.Context, client versioned.Interface, applied *dittofsv1alpha1.DittoServer, out io.Writer) (*dittofsv1alpha1.DittoServer, error) {
	servers := client.DittofsV1alpha1().DittoServers(applied.Namespace)
	selector := fields.OneTermEqualSelector("metadata.name", applied.Name).String()
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = selector
			return servers.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = selector
			return servers.Watch(ctx, options)
		},
	}
	var last string
	condition := func(event watch.Event) (bool, error) {
		server, ok := event.Object.(*dittofsv1alpha1.DittoServer)
		switch {
		case !ok:
			return false, nil
		case event.Type == watch.Deleted || server.UID != applied.UID:
			return false, errors.New("it was deleted while we waited")
		}
		ready := meta.FindStatusCondition(server.Status.Conditions, dittofsv1alpha1.ConditionReady)
		// A status that describes an older generation says nothing about what was applied.
		if ready == nil || ready.ObservedGeneration < applied.Generation {
			return false, nil
		}
		if now := ready.Reason + ": " + ready.Message; now != last {
			last = now
			fmt.Fprintln(out, now)
		}
		return ready.Status == metav1.ConditionTrue, nil
	}
	event, err := watchtools.UntilWithSync(ctx, source, &dittofsv1alpha1.DittoServer{}, nil, condition)
	if err != nil {
		return nil, fmt.Errorf("waiting for DittoServer %s/%s to be Ready (last: %q): %w", applied.Namespace, applied.Name, last, err)
	}
	return event.Object.(*dittofsv1alpha1.DittoServer), nil
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
