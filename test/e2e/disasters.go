// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dittofs/dittofs-apiserver/pkg/servingcert"
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
	return s.away(ctx, func(context.Context, *corev1.Pod) error { return killProgram(serverName) })
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

func (s *suite) upgrade(ctx context.Context) (string, error) {
	if err := s.importServer(ctx, secondTag); err != nil {
		return "", err
	}
	detail, err := s.away(ctx, func(ctx context.Context, _ *corev1.Pod) error { return s.apply(ctx, secondTag) })
	if err != nil {
		return "", err
	}
	pod, err := s.serverPod(ctx)
	if err != nil {
		return "", err
	}
	if image := pod.Spec.Containers[0].Image; image != serverImage+":"+secondTag {
		return "", fmt.Errorf("our pod runs %s", image)
	}
	return detail, nil
}

// applyAgain is what GitOps does all day. It must take nothing away: not the authority, not the caBundle.
func (s *suite) applyAgain(ctx context.Context) (string, error) {
	before, err := s.caBundle(ctx)
	if err != nil {
		return "", err
	}
	failed := s.writer.mark()
	if err := s.apply(ctx, secondTag); err != nil {
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

// rotateAuthority asks for a new authority and waits until it signs what our pod shows.
func (s *suite) rotateAuthority(ctx context.Context) (string, error) {
	pod, err := s.serverPod(ctx)
	if err != nil {
		return "", err
	}
	before, err := s.shown(ctx, pod)
	if err != nil {
		return "", err
	}
	failed := s.writer.mark()
	if _, err := s.kubectl(ctx, "-n", systemNamespace, "annotate", "secret", "dittofs-apiserver-authority", servingcert.AnnotationRotate+"=now"); err != nil {
		return "", err
	}
	var issuer string
	if err := eventually(ctx, func(ctx context.Context) error {
		now, err := s.shown(ctx, pod)
		if err != nil {
			return err
		}
		if issuer = now.Issuer.CommonName; issuer == before.Issuer.CommonName {
			return errors.New("the certificate is still of the old authority")
		}
		return nil
	}); err != nil {
		return "", err
	}
	if err := s.writes(ctx); err != nil {
		return "", err
	}
	after, err := s.serverPod(ctx)
	if err != nil {
		return "", err
	}
	if after.UID != pod.UID || restarts(after) != restarts(pod) {
		return "", errors.New("our pod was restarted")
	}
	return s.writer.seen(failed), s.noneFailed(failed)
}

// shown is the certificate that our pod shows, verified as the aggregator does.
func (s *suite) shown(ctx context.Context, pod *corev1.Pod) (*x509.Certificate, error) {
	bundle, err := s.caBundle(ctx)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: serverName + "." + systemNamespace + ".svc", MinVersion: tls.VersionTLS12}}
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(pod.Status.PodIP, "10250"))
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	return connection.(*tls.Conn).ConnectionState().PeerCertificates[0], nil
}

func (s *suite) caBundle(ctx context.Context) ([]byte, error) {
	service := &unstructured.Unstructured{}
	service.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiregistration.k8s.io", Version: "v1", Kind: "APIService"})
	if err := s.plane.Client().Get(ctx, client.ObjectKey{Name: "v1alpha1.dittofs.io"}, service); err != nil {
		return nil, err
	}
	return decodeBundle(service)
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
