// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/nscheck"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/watches"
)

// Name of the controller, in --controllers, logs and metrics.
const Name = "dfs-probe"

const (
	// workers is how many servers are asked at once. Each of them may hold its worker for two timeouts, of which it spends
	// most waiting.
	workers = 64
	// maxFailing is how many of them may be servers that did not answer the last time: the others are for those that do.
	maxFailing = workers / 2
	// CallTimeout bounds one call. dfs bounds its own checks below it.
	CallTimeout = 10 * time.Second
)

// SurveyName is the name of the controller that surveys shares, in logs and metrics. It goes with the probe.
const SurveyName = "dfs-survey"

// surveyWorkers is how many servers are surveyed at once. A dead remote store holds a worker for long, and nobody waits.
const surveyWorkers = 4

// SetupSurvey adds the controller that surveys shares, in a queue of its own: what it asks may take half a minute, which
// must not hold up the look at anybody's health.
func SetupSurvey(mgr manager.Manager, host cluster.Cluster, rec reconcile.Reconciler) error {
	c, err := controller.New(SurveyName, mgr, controller.Options{Reconciler: rec, MaxConcurrentReconciles: surveyWorkers})
	if err != nil {
		return fmt.Errorf("new controller %s: %w", SurveyName, err)
	}
	for _, src := range []source.Source{
		source.Kind(mgr.GetCache(), &dittofsv1alpha1.DittoServer{}, &handler.TypedEnqueueRequestForObject[*dittofsv1alpha1.DittoServer]{}),
		source.Kind(host.GetCache(), &corev1.Pod{}, watches.OfLabel[*corev1.Pod](dittofsv1alpha1.LabelInstance)),
	} {
		if err := c.Watch(src); err != nil {
			return fmt.Errorf("controller %s: %w", SurveyName, err)
		}
	}
	return nil
}

// Setup adds the controller to a manager of our API. rec is the Prober or something around it.
func Setup(mgr manager.Manager, host cluster.Cluster, rec reconcile.Reconciler) error {
	c, err := controller.New(Name, mgr, controller.Options{
		Reconciler:              rec,
		MaxConcurrentReconciles: workers,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, maxRetry),
	})
	if err != nil {
		return fmt.Errorf("new controller %s: %w", Name, err)
	}
	own, servers := host.GetCache(), mgr.GetClient()
	for _, src := range []source.Source{
		source.Kind(mgr.GetCache(), &dittofsv1alpha1.DittoServer{}, &handler.TypedEnqueueRequestForObject[*dittofsv1alpha1.DittoServer]{}),
		source.Kind(own, &corev1.Pod{}, watches.OfLabel[*corev1.Pod](dittofsv1alpha1.LabelInstance)),
		source.Kind(own, &appsv1.StatefulSet{}, watches.OfLabel[*appsv1.StatefulSet](dittofsv1alpha1.LabelServer)),
		source.Kind[*metav1.PartialObjectMetadata](own, watches.NewSecretMetadata(), watches.OfSecret(servers)),
		source.Kind[*metav1.PartialObjectMetadata](own, nscheck.NewMetadata(), watches.OfNamespace(servers), watches.NamespaceChanged()),
	} {
		if err := c.Watch(src); err != nil {
			return fmt.Errorf("controller %s: %w", Name, err)
		}
	}
	return nil
}
