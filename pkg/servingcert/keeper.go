// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"
)

// AnnotationRotate on the Secret asks for a new authority, whatever its value. It is taken away when there is one.
const AnnotationRotate = "dittofs.io/rotate"

// Config says what is kept where.
type Config struct {
	Host    kubernetes.Interface
	Dynamic dynamic.Interface
	// Namespace has the Service and the Secret.
	Namespace, Service, Secret string
	// APIService is the name of the one whose caBundle is kept.
	APIService string
}

// Keeper keeps the authority, the caBundle and the certificate of this process.
type Keeper struct {
	config Config
	source *Source
	now    func() time.Time
}

// NewKeeper returns a keeper that fills the source.
func NewKeeper(config Config, source *Source) *Keeper {
	return &Keeper{config: config, source: source, now: time.Now}
}

// Prepare fills the source. It needs the Secret, and makes the first authority if it is empty.
func (k *Keeper) Prepare(ctx context.Context) error {
	return retry.OnError(retry.DefaultBackoff, apierrors.IsConflict, func() error {
		secret, err := k.config.Host.CoreV1().Secrets(k.config.Namespace).Get(ctx, k.config.Secret, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return fmt.Errorf("--authority-secret: Secret %s/%s does not exist: create it empty, as the component self-managed-certificates does, since the server has no right to create Secrets",
				k.config.Namespace, k.config.Secret)
		}
		if err != nil {
			return fmt.Errorf("--authority-secret: %w", err)
		}
		_, err = k.keep(ctx, secret, nil)
		return err
	})
}

// Run keeps everything up to date until ctx is done. At rest it watches two objects and asks nothing.
func (k *Keeper) Run(ctx context.Context) {
	events := make(chan struct{}, 1)
	watched := newWatched(k.config, func() {
		select {
		case events <- struct{}{}:
		default:
		}
	})
	watched.start(ctx)
	defer watched.wait()
	watched.sync(ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
		case <-timer.C:
		}
		wake, err := k.pass(ctx, watched)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return
		case apierrors.IsConflict(err):
			// Another replica was faster; its change is on the way.
			wake = k.now().Add(conflictPause)
		default:
			failures.Inc()
			klog.ErrorS(err, "Keeping the serving certificate; trying again", "after", retryPause)
			wake = k.now().Add(retryPause)
		}
		timer.Reset(wake.Sub(k.now()))
	}
}

const (
	retryPause    = 15 * time.Second
	conflictPause = 2 * time.Second
)

func (k *Keeper) pass(ctx context.Context, watched *watched) (wake time.Time, err error) {
	secret, err := watched.secret()
	if err != nil {
		return wake, err
	}
	service, unknown := watched.apiService()
	// The own certificate is renewed in any case.
	if wake, err = k.keep(ctx, secret, service); err != nil {
		return wake, err
	}
	return wake, unknown
}

// keep brings the Secret, then the source, then the APIService up to date. service is nil where it is not known.
func (k *Keeper) keep(ctx context.Context, secret *corev1.Secret, service *apiService) (wake time.Time, err error) {
	_, rotate := secret.Annotations[AnnotationRotate]
	state, changed, wake, err := decodeAuthorities(secret.Data).advance(k.config.Service, service.bundle(), rotate, k.now())
	if err != nil {
		return wake, err
	}
	if changed || rotate {
		if err := k.store(ctx, secret, state); err != nil {
			return wake, err
		}
	}
	expires.WithLabelValues("authority").Set(float64(state.current.certificate.NotAfter.Unix()))
	due, err := k.source.renew(state.current, names(k.config.Service, k.config.Namespace), k.now())
	if err != nil {
		return wake, err
	}
	if due.Before(wake) {
		wake = due
	}
	if service == nil {
		return wake, nil
	}
	return wake, k.publish(ctx, service, encodeBundle(state.trusted))
}

// store writes what is there over the version that was read, so that two replicas never make two authorities.
func (k *Keeper) store(ctx context.Context, secret *corev1.Secret, state authorities) error {
	data, err := state.encode()
	if err != nil {
		return err
	}
	secret = secret.DeepCopy()
	delete(secret.Annotations, AnnotationRotate)
	secret.Data = data
	if _, err := k.config.Host.CoreV1().Secrets(k.config.Namespace).Update(ctx, secret, metav1.UpdateOptions{FieldManager: fieldManager}); err != nil {
		return fmt.Errorf("write Secret %s/%s: %w", k.config.Namespace, k.config.Secret, err)
	}
	klog.InfoS("Wrote the certificate authority", "secret", klog.KObj(secret), "signs", state.current.certificate.Subject.CommonName,
		"until", state.current.certificate.NotAfter.UTC().Format(time.RFC3339), "trusted", len(state.trusted))
	return nil
}
