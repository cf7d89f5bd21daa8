// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// watched are the two objects, each by a watch of its own that names it: the rights are for these names only.
type watched struct {
	config   Config
	typed    informers.SharedInformerFactory
	untyped  dynamicinformer.DynamicSharedInformerFactory
	secrets  cache.SharedIndexInformer
	services cache.SharedIndexInformer
}

func newWatched(config Config, changed func()) *watched {
	byName := func(name string) func(*metav1.ListOptions) {
		return func(options *metav1.ListOptions) {
			options.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
		}
	}
	w := &watched{config: config}
	w.typed = informers.NewSharedInformerFactoryWithOptions(config.Host, 0,
		informers.WithNamespace(config.Namespace), informers.WithTweakListOptions(byName(config.Secret)))
	w.untyped = dynamicinformer.NewFilteredDynamicSharedInformerFactory(config.Dynamic, 0, metav1.NamespaceAll, byName(config.APIService))
	w.secrets = w.typed.Core().V1().Secrets().Informer()
	w.services = w.untyped.ForResource(apiServices).Informer()
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { changed() }, UpdateFunc: func(any, any) { changed() }, DeleteFunc: func(any) { changed() },
	}
	for _, informer := range []cache.SharedIndexInformer{w.secrets, w.services} {
		// It fails for an informer that was stopped.
		_, _ = informer.AddEventHandler(handler)
	}
	return w
}

func (w *watched) start(ctx context.Context) {
	w.typed.Start(ctx.Done())
	w.untyped.Start(ctx.Done())
}

func (w *watched) wait() {
	w.typed.Shutdown()
	w.untyped.Shutdown()
}

// sync waits for the first answers, but not for ever: a right that is missing for one must not stop the other.
func (w *watched) sync(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	cache.WaitForCacheSync(ctx.Done(), w.secrets.HasSynced, w.services.HasSynced)
}

const syncTimeout = 30 * time.Second

func (w *watched) secret() (*corev1.Secret, error) {
	item, found, err := w.secrets.GetStore().GetByKey(w.config.Namespace + "/" + w.config.Secret)
	if err != nil {
		return nil, err
	}
	if !w.secrets.HasSynced() {
		return nil, fmt.Errorf("the Secret %s/%s cannot be watched", w.config.Namespace, w.config.Secret)
	}
	secret, ok := item.(*corev1.Secret)
	if !found || !ok {
		return nil, fmt.Errorf("the Secret %s/%s is gone: create it empty, and a new authority is made", w.config.Namespace, w.config.Secret)
	}
	return secret, nil
}

// apiService is nil until it is registered.
func (w *watched) apiService() (*apiService, error) {
	if !w.services.HasSynced() {
		return nil, fmt.Errorf("the APIService %s cannot be watched", w.config.APIService)
	}
	item, found, err := w.services.GetStore().GetByKey(w.config.APIService)
	if err != nil || !found {
		return nil, err
	}
	object, ok := item.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("APIService %s is a %T", w.config.APIService, item)
	}
	return &apiService{object}, nil
}
