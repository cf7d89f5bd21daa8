// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// away does something that takes our pod away, and waits until another one, or the same with one restart more, serves.
func (s *suite) away(ctx context.Context, do func(context.Context, *corev1.Pod) error) (string, error) {
	before, err := s.serverPod(ctx)
	if err != nil {
		return "", err
	}
	failed, began := s.writer.mark(), time.Now()
	if err := do(ctx, before); err != nil {
		return "", err
	}
	if err := eventually(ctx, func(ctx context.Context) error {
		now, err := s.serverPod(ctx)
		if err != nil {
			return err
		}
		if now.UID == before.UID && restarts(now) == restarts(before) {
			return errors.New("our pod is still the one that it was")
		}
		return s.served(ctx)
	}); err != nil {
		return "", err
	}
	took := time.Since(began)
	// The aggregator has to notice, too.
	if err := eventually(ctx, s.writes); err != nil {
		return "", err
	}
	return fmt.Sprintf("served again after %.1f s; %s", took.Seconds(), s.writer.seen(failed)), nil
}

// writes succeeds when a write has.
func (s *suite) writes(ctx context.Context) error {
	before := s.writer.count()
	return eventually(ctx, func(context.Context) error {
		if s.writer.count() == before {
			return errors.New("no write has succeeded yet")
		}
		return nil
	})
}

func restarts(pod *corev1.Pod) int32 {
	var total int32
	for _, container := range pod.Status.ContainerStatuses {
		total += container.RestartCount
	}
	return total
}

func (s *suite) kill(ctx context.Context) (string, error) {
	detail, err := s.away(ctx, func(context.Context, *corev1.Pod) error { return killProgram(serverName) })
	if err != nil {
		return "", err
	}
	runbook, err := s.open("runbooks.md", s.installed)
	if err != nil {
		return "", err
	}
	return detail, runbook.follow(ctx, "kill -9 of our process")
}

func (s *suite) deletePod(ctx context.Context) (string, error) {
	return s.away(ctx, func(ctx context.Context, pod *corev1.Pod) error {
		_, err := s.kubectl(ctx, "-n", systemNamespace, "delete", "pod", pod.Name)
		return err
	})
}

func (s *suite) drain(ctx context.Context) (string, error) {
	return s.away(ctx, func(ctx context.Context, pod *corev1.Pod) error {
		// Ours only: there is no other node for the file servers to go to.
		if _, err := s.kubectl(ctx, "drain", pod.Spec.NodeName, "--delete-emptydir-data", "--pod-selector=app.kubernetes.io/name="+serverName); err != nil {
			return err
		}
		_, err := s.kubectl(ctx, "uncordon", pod.Spec.NodeName)
		return err
	})
}

// applyAgain is what GitOps does all day. It must take nothing away: not the authority, not the caBundle.
func (s *suite) applyAgain(ctx context.Context) (string, error) {
	before, err := s.caBundle(ctx)
	if err != nil {
		return "", err
	}
	failed := s.writer.mark()
	if err := s.apply(ctx, s.installed); err != nil {
		return "", err
	}
	if err := s.writes(ctx); err != nil {
		return "", err
	}
	after, err := s.caBundle(ctx)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(before, after) {
		return "", errors.New("the caBundle changed")
	}
	return s.writer.seen(failed), s.noneFailed(failed)
}

func (s *suite) noneFailed(before int) error {
	if failed := s.writer.mark(); failed != before {
		return fmt.Errorf("%d writes failed", failed-before)
	}
	return nil
}

func (s *suite) scale(ctx context.Context, replicas int) error {
	if _, err := s.kubectl(ctx, "-n", systemNamespace, "scale", "statefulset", serverName, fmt.Sprintf("--replicas=%d", replicas)); err != nil {
		return err
	}
	return eventually(ctx, func(ctx context.Context) error {
		pod, err := s.serverPod(ctx)
		switch {
		case replicas == 0 && apierrors.IsNotFound(err):
			return nil
		case replicas == 0:
			return errors.New("our pod is still there")
		case err != nil:
			return err
		}
		_ = pod
		return s.served(ctx)
	})
}

// withoutUs stops our server and looks at what that costs: file servers go on, and what is asked of us fails fast.
func (s *suite) withoutUs(ctx context.Context) (string, error) {
	if err := s.scale(ctx, 0); err != nil {
		return "", err
	}
	if _, err := s.reachService(ctx); err != nil {
		return "", fmt.Errorf("dfs does not go on: %w", err)
	}
	began := time.Now()
	err := s.served(ctx)
	refused := time.Since(began)
	if err == nil {
		return "", errors.New("our API answers although our server is gone")
	}
	if !apierrors.IsServiceUnavailable(err) || refused > 5*time.Second {
		return "", fmt.Errorf("our API is refused after %s, want 503 at once: %w", refused, err)
	}
	began = time.Now()
	if _, err := s.kubectl(ctx, "get", "pods", "-A"); err != nil {
		return "", fmt.Errorf("kubectl get pods: %w", err)
	}
	listed := time.Since(began)
	if err := s.scale(ctx, 1); err != nil {
		return "", err
	}
	return fmt.Sprintf("our API is refused after %.0f ms, kubectl get pods takes %.1f s", float64(refused.Milliseconds()), listed.Seconds()), s.writes(ctx)
}

// loseStore removes the volume of our etcd. What is applied again is adopted, and no pod notices.
func (s *suite) loseStore(ctx context.Context) (string, error) {
	s.writer.end()
	if err := s.wipe(ctx); err != nil {
		return "", err
	}
	list, err := s.dittofs.DittofsV1alpha1().DittoServers(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	if len(list.Items) != 0 {
		return "", fmt.Errorf("%d DittoServers survived the loss of the store", len(list.Items))
	}
	began := time.Now()
	// An admin: taking over a StatefulSet that is there takes the right to change it, which a tenant has not.
	if _, err := s.kubectl(ctx, "-n", tenantNamespace, "apply", "-f", s.sample()); err != nil {
		return "", err
	}
	s.writer = startWriter(context.WithoutCancel(ctx), s.dittofs)
	if err := eventually(ctx, s.allReady); err != nil {
		return "", err
	}
	return fmt.Sprintf("Ready %.1f s after it was applied again", time.Since(began).Seconds()), nil
}
