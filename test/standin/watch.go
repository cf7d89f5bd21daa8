// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

const (
	labelApp      = "app"
	labelInstance = "instance"
	appName       = "dittofs-server"
	containerName = "dittofs"

	// workers start servers side by side: each start is a handful of reads.
	workers = 4
)

// Run follows the pods of the cluster until ctx ends and returns once everything it started has ended.
func (s *Server) Run(ctx context.Context) error {
	factory := informers.NewSharedInformerFactoryWithOptions(s.client, 10*time.Hour,
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = labelApp + "=" + appName }))
	pods := factory.Core().V1().Pods()
	enqueue := func(obj any) {
		if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = gone.Obj
		}
		if pod, ok := obj.(*corev1.Pod); ok {
			if key, ok := keyOf(pod); ok {
				s.queue.Add(key)
			}
		}
	}
	registration, err := pods.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    enqueue,
		UpdateFunc: func(_, obj any) { enqueue(obj) },
		DeleteFunc: enqueue,
	})
	if err != nil {
		return fmt.Errorf("standin: watch pods: %w", err)
	}

	var wg sync.WaitGroup
	defer wg.Wait()
	defer s.queue.ShutDown()
	defer factory.Shutdown()
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
		return nil // ctx ended
	}
	s.mu.Lock()
	s.synced = true
	s.notify()
	s.mu.Unlock()

	for range workers {
		wg.Go(func() {
			for s.work(ctx, pods.Lister()) {
			}
		})
	}
	<-ctx.Done()
	return nil
}

func keyOf(pod *corev1.Pod) (serverKey, bool) {
	if pod.Labels[labelApp] != appName || pod.Labels[labelInstance] == "" {
		return serverKey{}, false
	}
	return serverKey{pod.Namespace, pod.Labels[labelInstance]}, true
}

func (s *Server) work(ctx context.Context, lister corelisters.PodLister) bool {
	key, shutdown := s.queue.Get()
	if shutdown {
		return false
	}
	defer s.queue.Done(key)
	if s.reconcile(ctx, lister, key) {
		s.queue.Forget(key)
	} else {
		s.queue.AddRateLimited(key) // the kubelet starts a container that exited again, with growing pauses
	}
	return true
}

// reconcile makes the virtual server what its pod says. It returns false when a start has to be tried again.
func (s *Server) reconcile(ctx context.Context, lister corelisters.PodLister, key serverKey) bool {
	pod := currentPod(lister, key)
	if pod == nil {
		s.stop(key)
		return true
	}
	ready, restarts := isReady(pod), restartsOf(pod)

	s.mu.Lock()
	v := s.servers[key]
	same := v != nil && v.podUID == string(pod.UID) && v.restarts == restarts
	if same && v.process != nil {
		// Environment and configuration were read at the start of the process: nothing is read again, ready or not.
		if v.ready != ready {
			v.ready = ready
			s.notify()
		}
		s.mu.Unlock()
		return true
	}
	s.mu.Unlock()
	if !ready {
		// A process is started by the first Ready, because that is when kwok pretends that the container runs.
		s.stop(key)
		return true
	}

	boots := 1
	if same {
		boots = v.boots + 1
	}
	next := &virtual{podName: pod.Name, podUID: string(pod.UID), restarts: restarts, ready: true, boots: boots}
	p, warnings, err := s.boot(ctx, key, pod)
	next.warnings = warnings
	if err != nil {
		next.failure = err.Error()
		s.log.Warn("server did not start", "server", key.String(), "pod", pod.Name, "attempt", boots, "reason", err.Error())
	} else {
		next.process = p
		s.log.Info("server started", "server", key.String(), "pod", pod.Name, "database", p.db.key, "warnings", warnings)
	}
	s.mu.Lock()
	s.servers[key] = next
	s.notify()
	s.mu.Unlock()
	return err == nil
}

func (s *Server) stop(key serverKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.servers[key] == nil {
		return
	}
	delete(s.servers, key)
	s.notify()
	s.log.Info("server stopped", "server", key.String())
}

// currentPod is the pod whose process answers: the youngest that is not on its way out.
func currentPod(lister corelisters.PodLister, key serverKey) *corev1.Pod {
	selector := labels.SelectorFromSet(labels.Set{labelApp: appName, labelInstance: key.name})
	pods, err := lister.Pods(key.namespace).List(selector)
	if err != nil {
		return nil // a lister reads memory and does not fail
	}
	var current *corev1.Pod
	for _, pod := range pods {
		// dfs closes its API first of all when it is told to stop.
		if pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
			continue
		}
		if current == nil || current.CreationTimestamp.Before(&pod.CreationTimestamp) {
			current = pod
		}
	}
	return current
}

func isReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func restartsOf(pod *corev1.Pod) int32 {
	for _, c := range pod.Status.ContainerStatuses {
		if c.Name == containerName {
			return c.RestartCount
		}
	}
	return 0
}

func dfsContainer(pod *corev1.Pod) *corev1.Container {
	for i := range pod.Spec.Containers {
		if pod.Spec.Containers[i].Name == containerName {
			return &pod.Spec.Containers[i]
		}
	}
	return nil
}
