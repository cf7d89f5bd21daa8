// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// tracker follows one kind by a watch, and knows of each object when what is looked at last changed.
type tracker struct {
	what string

	mu   sync.Mutex
	seen map[string]sight
	news chan struct{} // closed and replaced at every change
}

// sight is what was seen of one object, and when it first looked like that.
type sight struct {
	value string
	at    time.Time
}

// track starts to follow. value is what is looked at; empty means nothing yet. It ends with the context.
func track(ctx context.Context, what string, informer cache.SharedIndexInformer, value func(obj any) string) (*tracker, error) {
	t := &tracker{what: what, seen: map[string]sight{}, news: make(chan struct{})}
	note := func(obj any) {
		if object, ok := obj.(metav1.Object); ok {
			t.note(object.GetName(), value(obj))
		}
	}
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: note, UpdateFunc: func(_, obj any) { note(obj) },
	})
	if err != nil {
		return nil, err
	}
	go informer.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
		return nil, fmt.Errorf("watch %s: %w", what, context.Cause(ctx))
	}
	return t, nil
}

func (t *tracker) note(name, value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := t.seen[name]; old.value == value {
		return
	}
	t.seen[name] = sight{value, time.Now()}
	close(t.news)
	t.news = make(chan struct{})
}

func (t *tracker) get(name string) sight {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen[name]
}

// await returns when so many objects have a value, with the time of the last one.
func (t *tracker) await(ctx context.Context, count int) (time.Time, error) {
	var last time.Time
	err := t.until(ctx, func() (string, bool) {
		have := 0
		for _, s := range t.seen {
			if s.value != "" {
				have++
				if s.at.After(last) {
					last = s.at
				}
			}
		}
		return fmt.Sprintf("%d of %d", have, count), have >= count
	})
	return last, err
}

// awaitChange returns when an object looks otherwise than it did.
func (t *tracker) awaitChange(ctx context.Context, name, before string) (now sight, err error) {
	err = t.until(ctx, func() (string, bool) {
		now = t.seen[name]
		return name + " is unchanged", now.value != before
	})
	return now, err
}

// until waits for a state of what was seen, which done looks at under the lock.
func (t *tracker) until(ctx context.Context, done func() (string, bool)) error {
	for {
		t.mu.Lock()
		state, ok := done()
		news := t.news
		t.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return fmt.Errorf("%s: %s: %w", t.what, state, errors.Join(context.Cause(ctx), ctx.Err()))
		}
	}
}
