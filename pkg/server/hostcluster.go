// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/tracing"
)

// hostCluster is the connection to the Kubernetes cluster that proxies to us.
type hostCluster struct {
	config    *rest.Config
	client    kubernetes.Interface
	dynamic   dynamic.Interface
	informers informers.SharedInformerFactory
}

const (
	authenticationNamespace = metav1.NamespaceSystem
	authenticationConfigMap = "extension-apiserver-authentication"
	resyncPeriod            = 10 * time.Minute
)

// loadHostConfig reads the kubeconfig, or the ServiceAccount of our own pod if
// there is none. Rate limits are off before any client is built from it: with
// the default of client-go, 5 requests a second, a burst of creates would wait
// in line. Priority and fairness of the host cluster limits us.
func loadHostConfig(kubeconfig string) (*rest.Config, error) {
	config, err := readHostConfig(kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = -1, -1
	return rest.AddUserAgent(config, "dittofs-apiserver"), nil
}

func readHostConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("no --kubeconfig given, and not in a pod with a ServiceAccount: %w", err)
		}
		return config, nil
	}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: kubeconfig}, &clientcmd.ConfigOverrides{})
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("--kubeconfig %s: %w", kubeconfig, err)
	}
	return config, nil
}

// connect checks, before anything is started, what a wrong installation gets
// wrong: an address where nobody answers, and a cluster without aggregation.
func connect(ctx context.Context, config *rest.Config) (*hostCluster, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("client of the host cluster: %w", err)
	}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("client of the host cluster: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	configMap, err := client.CoreV1().ConfigMaps(authenticationNamespace).Get(ctx, authenticationConfigMap, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("the host cluster at %s: read ConfigMap %s/%s: %w", config.Host, authenticationNamespace, authenticationConfigMap, err)
	}
	if configMap.Data["requestheader-client-ca-file"] == "" {
		return nil, fmt.Errorf("the host cluster at %s has no aggregation layer: start its kube-apiserver with --requestheader-client-ca-file and --proxy-client-cert-file (ConfigMap %s/%s has no requestheader-client-ca-file)",
			config.Host, authenticationNamespace, authenticationConfigMap)
	}
	return &hostCluster{
		config:    config,
		client:    client,
		dynamic:   dynamicClient,
		informers: informers.NewSharedInformerFactory(client, resyncPeriod),
	}, nil
}

func (h *hostCluster) applyTo(config *genericapiserver.RecommendedConfig) {
	h.config.Wrap(tracing.WrapperFor(config.TracerProvider))
	config.ClientConfig = h.config
}
