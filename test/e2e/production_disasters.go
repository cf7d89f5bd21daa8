// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// underLoad is a step in which no read may fail and every failed write may be tried again.
func (p *production) underLoad(do func(context.Context) (string, error)) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		return p.load.during(true, func() (string, error) { return do(ctx) })
	}
}

// withLosses is a step in which something is cut off in the middle: reads may fail, for as long as the table says.
func (p *production) withLosses(do func(context.Context) (string, error)) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		return p.load.during(false, func() (string, error) { return do(ctx) })
	}
}

// update rolls another image out, and waits until the last pod of the old one is gone.
func (p *production) update(ctx context.Context) (string, error) {
	old, err := p.podsOf(ctx, serverName)
	if err != nil {
		return "", err
	}
	began := time.Now()
	if err := p.apply(ctx, secondTag); err != nil {
		return "", err
	}
	if err := p.rolledOut(ctx); err != nil {
		return "", err
	}
	took := time.Since(began)
	if err := p.gone(ctx, old); err != nil {
		return "", err
	}
	pods, err := p.podsOf(ctx, serverName)
	if err != nil {
		return "", err
	}
	for _, pod := range pods {
		if image := pod.Spec.Containers[0].Image; image != serverImage+":"+secondTag {
			return "", fmt.Errorf("%s runs %s", pod.Name, image)
		}
	}
	return fmt.Sprintf("rolled out after %.1f s, the last old pod gone after %.1f s", took.Seconds(), time.Since(began).Seconds()), nil
}

func (p *production) gone(ctx context.Context, pods []corev1.Pod) error {
	return eventually(ctx, func(ctx context.Context) error {
		var list corev1.PodList
		if err := p.plane.Client().List(ctx, &list); err != nil {
			return err
		}
		for _, pod := range list.Items {
			if slices.ContainsFunc(pods, func(old corev1.Pod) bool { return old.UID == pod.UID }) {
				return fmt.Errorf("%s is still there", pod.Name)
			}
		}
		return nil
	})
}

// evictAll evicts the pods of both workloads at the same time, each as fast as its budget lets it.
func (p *production) evictAll(ctx context.Context) (string, error) {
	began := time.Now()
	apps := []string{serverName, etcdName}
	errs := make([]error, len(apps))
	var evicting sync.WaitGroup
	for i, app := range apps {
		evicting.Go(func() { errs[i] = p.evictPods(ctx, app) })
	}
	evicting.Wait()
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	return fmt.Sprintf("six pods evicted, of each budget one at a time, in %.1f s", time.Since(began).Seconds()), p.rolledOut(ctx)
}

// evictPods wants to be told at least once to wait: a second eviction at once is refused.
func (p *production) evictPods(ctx context.Context, app string) error {
	pods, err := p.podsOf(ctx, app)
	if err != nil {
		return err
	}
	refused := 0
	for _, pod := range pods {
		if err := eventually(ctx, func(ctx context.Context) error {
			err := p.evict(ctx, &pod)
			if apierrors.IsTooManyRequests(err) {
				refused++
			}
			return err
		}); err != nil {
			return err
		}
	}
	if refused == 0 {
		return fmt.Errorf("the budget of %s let every pod go at once", app)
	}
	return p.gone(ctx, pods)
}

func (p *production) evict(ctx context.Context, pod *corev1.Pod) error {
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
		DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &pod.UID}}}
	return p.plane.Client().SubResource("eviction").Create(ctx, pod, eviction)
}

// drainNode drains the node of the leader, and brings it back. The member of etcd there has nowhere else to go meanwhile.
func (p *production) drainNode(ctx context.Context) (string, error) {
	pod, _, err := p.leader(ctx)
	if err != nil {
		return "", err
	}
	began := time.Now()
	// Ours only: file servers stay, so that no restart of theirs hides one of our making.
	if _, err := p.kubectl(ctx, "drain", pod.Spec.NodeName, "--delete-emptydir-data", "--timeout=3m",
		"--pod-selector=app.kubernetes.io/name in ("+serverName+","+etcdName+")"); err != nil {
		return "", err
	}
	drained := time.Since(began)
	if err := eventually(ctx, p.waitsForNode); err != nil {
		return "", err
	}
	if _, err := p.kubectl(ctx, "uncordon", pod.Spec.NodeName); err != nil {
		return "", err
	}
	return fmt.Sprintf("drained after %.1f s; the member of etcd waited for its node, for its anti-affinity", drained.Seconds()), p.rolledOut(ctx)
}

// waitsForNode succeeds when the scheduler says of a member that it may not join another on its node.
func (p *production) waitsForNode(ctx context.Context) error {
	pods, err := p.podsOf(ctx, etcdName)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodScheduled && condition.Reason == corev1.PodReasonUnschedulable && strings.Contains(condition.Message, "anti-affinity") {
				return nil
			}
		}
	}
	return errors.New("no member of etcd waits for a node because of its anti-affinity")
}

func (p *production) deleteOne(ctx context.Context) (string, error) {
	t, err := p.loseLeader(ctx, func(ctx context.Context, pod *corev1.Pod) error {
		_, err := p.kubectl(ctx, "-n", systemNamespace, "delete", "pod", pod.Name, "--wait=false")
		return err
	})
	if err != nil {
		return "", err
	}
	return t.String(), p.rolledOut(ctx)
}

func (p *production) killLeader(ctx context.Context) (string, error) {
	t, err := p.loseLeader(ctx, func(_ context.Context, pod *corev1.Pod) error { return killPod(pod, serverName) })
	if err != nil {
		return "", err
	}
	return t.String(), p.rolledOut(ctx)
}
