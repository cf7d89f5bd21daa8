// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const controllersLease = "dittofs-apiserver-controllers"

// takeover is how long it took until another process held the Lease, and until a change that was made right after the loss
// of the old one was carried out.
type takeover struct{ lease, reconciled time.Duration }

func (t takeover) String() string {
	return fmt.Sprintf("the Lease was taken after %.1f s, the next change carried out after %.1f s", t.lease.Seconds(), t.reconciled.Seconds())
}

// leader is the pod whose process runs the controllers, and what that process calls itself.
func (p *production) leader(ctx context.Context) (*corev1.Pod, string, error) {
	holder, err := p.holder(ctx)
	if err != nil {
		return nil, "", err
	}
	pods, err := p.podsOf(ctx, serverName)
	if err != nil {
		return nil, "", err
	}
	for _, pod := range pods {
		if strings.HasPrefix(holder, pod.Name+"_") {
			return &pod, holder, nil
		}
	}
	return nil, "", fmt.Errorf("the Lease is held by %q, which is none of our pods", holder)
}

func (p *production) holder(ctx context.Context) (string, error) {
	return p.kubectl(ctx, "-n", systemNamespace, "get", "lease", controllersLease, "-o", "jsonpath={.spec.holderIdentity}")
}

// loseLeader does something to the leader and measures from there.
func (p *production) loseLeader(ctx context.Context, do func(context.Context, *corev1.Pod) error) (t takeover, err error) {
	pod, holder, err := p.leader(ctx)
	if err != nil {
		return t, err
	}
	if err := do(ctx, pod); err != nil {
		return t, err
	}
	began := time.Now()
	carriedOut := make(chan error, 1)
	go func() {
		err := p.change(ctx, began.Format("150405"))
		t.reconciled = time.Since(began)
		carriedOut <- err
	}()
	err = eventually(ctx, func(ctx context.Context) error {
		now, err := p.holder(ctx)
		if err == nil && (now == "" || now == holder) {
			err = errors.New("nobody has taken the Lease")
		}
		return err
	})
	t.lease = time.Since(began)
	return t, errors.Join(err, <-carriedOut)
}

// change writes something into the spec that restarts nothing, and waits until it was carried out in the host cluster.
func (p *production) change(ctx context.Context, value string) error {
	patch := fmt.Appendf(nil, `{"spec":{"service":{"annotations":{"e2e.dittofs.test/change":%q}}}}`, value)
	if err := eventually(ctx, func(ctx context.Context) error {
		_, err := p.dittofs.DittofsV1alpha1().DittoServers(tenantNamespace).Patch(ctx, ownServer, types.MergePatchType, patch, metav1.PatchOptions{})
		return err
	}); err != nil {
		return err
	}
	return eventually(ctx, func(ctx context.Context) error {
		server, err := p.dittofs.DittofsV1alpha1().DittoServers(tenantNamespace).Get(ctx, ownServer, metav1.GetOptions{})
		if err == nil && server.Status.ObservedGeneration != server.Generation {
			err = fmt.Errorf("generation %d was seen last, the spec has %d", server.Status.ObservedGeneration, server.Generation)
		}
		return err
	})
}
