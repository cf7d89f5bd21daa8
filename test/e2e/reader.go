// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsclient "github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned"
)

const (
	getPause  = 50 * time.Millisecond
	listPause = 250 * time.Millisecond
	// readLimit is what a patient person waits.
	readLimit = 10 * time.Second
)

// reader gets, lists and watches one way into our API all the time.
type reader struct {
	client  dittofsclient.Interface
	stop    context.CancelFunc
	working sync.WaitGroup

	mu            sync.Mutex
	reads, failed int
	slowest       time.Duration
	first         error
	// seen counts how often the watch told of each class that was created.
	seen    map[string]int
	resumed int
	// relisted counts watches that could not go on where the last one had ended. A client lists anew then.
	relisted int
}

func startReader(ctx context.Context, client dittofsclient.Interface) (*reader, error) {
	list, err := client.DittofsV1alpha1().DittoServerClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &reader{client: client, stop: cancel, seen: map[string]int{}}
	for _, class := range list.Items {
		r.seen[class.Name]++
	}
	r.working.Go(func() {
		r.repeat(ctx, getPause, func(ctx context.Context) error {
			_, err := client.DittofsV1alpha1().DittoServers(tenantNamespace).Get(ctx, ownServer, metav1.GetOptions{})
			return err
		})
	})
	r.working.Go(func() {
		r.repeat(ctx, listPause, func(ctx context.Context) error {
			_, err := client.DittofsV1alpha1().DittoServers(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
			return err
		})
	})
	r.working.Go(func() { r.follow(ctx, list.ResourceVersion) })
	return r, nil
}

func (r *reader) repeat(ctx context.Context, pause time.Duration, read func(context.Context) error) {
	every(ctx, pause, func() {
		limited, cancel := context.WithTimeout(ctx, readLimit)
		defer cancel()
		began := time.Now()
		err := read(limited)
		r.count(ctx, time.Since(began), err)
	})
}

// every does something at this pace, or as fast as it can be done, until ctx is over.
func every(ctx context.Context, pause time.Duration, do func()) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

func (r *reader) count(ctx context.Context, took time.Duration, err error) {
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads++
	r.slowest = max(r.slowest, took)
	if err != nil {
		r.failed++
		if r.first == nil {
			r.first = err
		}
	}
}

// follow watches, and goes on from where a watch has ended. To begin one is a read like any other.
func (r *reader) follow(ctx context.Context, version string) {
	for ctx.Err() == nil {
		events, err := r.client.DittofsV1alpha1().DittoServerClasses().Watch(ctx, metav1.ListOptions{ResourceVersion: version, AllowWatchBookmarks: true})
		if err == nil {
			version, err = r.drain(events, version)
		}
		if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
			version, err = r.relist(ctx)
		}
		r.count(ctx, 0, err)
		r.mu.Lock()
		r.resumed++
		r.mu.Unlock()
		if err != nil {
			// The pace of a client that does not hurry.
			select {
			case <-ctx.Done():
			case <-time.After(getPause):
			}
		}
	}
}

func (r *reader) drain(events watch.Interface, version string) (string, error) {
	defer events.Stop()
	for event := range events.ResultChan() {
		if event.Type == watch.Error {
			return version, apierrors.FromObject(event.Object)
		}
		class, ok := event.Object.(*dittofsv1alpha1.DittoServerClass)
		if !ok {
			return version, fmt.Errorf("the watch tells of a %T", event.Object)
		}
		version = class.ResourceVersion
		if event.Type == watch.Added {
			r.mu.Lock()
			r.seen[class.Name]++
			r.mu.Unlock()
		}
	}
	return version, nil
}

func (r *reader) relist(ctx context.Context) (string, error) {
	list, err := r.client.DittofsV1alpha1().DittoServerClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.relisted++
	for _, class := range list.Items {
		if r.seen[class.Name] == 0 {
			r.seen[class.Name] = 1
		}
	}
	return list.ResourceVersion, nil
}

// verify finds that the watch has told of each of these classes, and of none twice.
func (r *reader) verify(names []string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, name := range names {
		if n := r.seen[name]; n != 1 {
			errs = append(errs, fmt.Errorf("the watch has told %d times of %s", n, name))
		}
	}
	return errors.Join(errs...)
}

func (r *reader) end() {
	r.stop()
	r.working.Wait()
}
