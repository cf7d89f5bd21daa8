// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// waitFor polls until check succeeds. Unlike a bare poll, it says at the end what was still missing.
func waitFor(ctx context.Context, check func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, startTimeout, true, func(ctx context.Context) (bool, error) {
		if err := check(ctx); err != nil {
			// The deadline's own error says less than the one before it.
			if last == nil || ctx.Err() == nil {
				last = err
			}
			return false, nil
		}
		return true, nil
	})
	if err != nil && last != nil {
		return fmt.Errorf("%w (%w)", last, err)
	}
	return err
}

// waitHTTP polls a path of a component until it answers with one of the wanted statuses.
func waitHTTP(ctx context.Context, name string, config *rest.Config, path string, wanted ...int) error {
	config = rest.CopyConfig(config)
	// A transport of its own: a connection kept for a component that is restarted would be a dead one.
	config.Proxy = http.ProxyURL(nil)
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return fmt.Errorf("reach %s: %w", name, err)
	}
	httpClient.Timeout = 5 * time.Second
	defer httpClient.CloseIdleConnections()
	return waitFor(ctx, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, config.Host+path, nil)
		if err != nil {
			return err
		}
		response, err := httpClient.Do(request)
		if err != nil {
			return fmt.Errorf("%s does not answer: %w", name, err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
		for _, status := range wanted {
			if response.StatusCode == status {
				return nil
			}
		}
		return fmt.Errorf("%s answers %s with %s: %s", name, path, response.Status, body)
	})
}

// contextOf ends as soon as the process does: nobody waits a minute for a server that has exited.
func contextOf(ctx context.Context, c *child) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-c.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(); <-watched }
}

// waitCluster waits until pods can be created and will run.
func waitCluster(ctx context.Context, c client.Client) error {
	return waitFor(ctx, func(ctx context.Context) error {
		account := &corev1.ServiceAccount{}
		if err := c.Get(ctx, client.ObjectKey{Namespace: "default", Name: "default"}, account); err != nil {
			return fmt.Errorf("the default ServiceAccount is not there: %w", err)
		}
		node := &corev1.Node{}
		if err := c.Get(ctx, client.ObjectKey{Name: NodeName}, node); err != nil {
			return fmt.Errorf("the node is not there: %w", err)
		}
		for _, taint := range node.Spec.Taints {
			// kube-controller-manager takes it off once it has seen the node ready.
			if taint.Key == corev1.TaintNodeNotReady {
				return errors.New("the node is not ready")
			}
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return errors.New("the node is not ready")
	})
}
