// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	clients "github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned/typed/dittofs/v1alpha1"
)

// seen is one event of a watch. It is at a version, and an ADDED or MODIFIED one has the value that was written there.
type seen struct {
	object, value string
	version       int64
	deleted       bool
}

// session is what a watcher saw without a gap: everything after from, until the version that it reached.
type session struct {
	from, reached int64
	events        []seen
}

// follower watches the classes for as long as it may, and lists anew only when it is told to.
type follower struct {
	classes clients.DittoServerClassInterface

	mu       sync.Mutex
	sessions []session
	problems []string
}

func (f *follower) run(ctx context.Context) {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		list, err := f.classes.List(ctx, metav1.ListOptions{})
		if err != nil {
			return
		}
		f.begin(list.ResourceVersion)
		for ctx.Err() == nil && f.watch(ctx) {
		}
	}, 100*time.Millisecond)
}

func (f *follower) begin(version string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	from := f.number(version)
	if n := len(f.sessions); n > 0 && from < f.sessions[n-1].reached {
		f.problems = append(f.problems, fmt.Sprintf("a list is at version %d after a watch had reached %d", from, f.sessions[n-1].reached))
	}
	f.sessions = append(f.sessions, session{from: from, reached: from})
}

// watch goes on where the last one ended, and says whether the next one may.
func (f *follower) watch(ctx context.Context) (again bool) {
	f.mu.Lock()
	at := strconv.FormatInt(f.sessions[len(f.sessions)-1].reached, 10)
	f.mu.Unlock()
	w, err := f.classes.Watch(ctx, metav1.ListOptions{ResourceVersion: at, AllowWatchBookmarks: true})
	if err != nil {
		if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
			return false
		}
		select { // nobody answers for now
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
		return true
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		if event.Type == watch.Error {
			err := apierrors.FromObject(event.Object)
			return !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err)
		}
		if class, ok := event.Object.(*dittofsv1alpha1.DittoServerClass); ok {
			f.note(event.Type, class)
		}
	}
	return true
}

func (f *follower) note(kind watch.EventType, class *dittofsv1alpha1.DittoServerClass) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &f.sessions[len(f.sessions)-1]
	version := f.number(class.ResourceVersion)
	if kind != watch.Bookmark {
		if version <= s.reached {
			f.problems = append(f.problems, fmt.Sprintf("%s %s at version %d came after %d: it is repeated, or out of order", kind, class.Name, version, s.reached))
		}
		s.events = append(s.events, seen{class.Name, class.Annotations[annotation], version, kind == watch.Deleted})
	}
	s.reached = max(s.reached, version)
}

func (f *follower) number(version string) int64 {
	n, err := strconv.ParseInt(version, 10, 64)
	if err != nil {
		f.problems = append(f.problems, fmt.Sprintf("the version %q is no number", version))
	}
	return n
}

// judge compares what was seen with what was acknowledged: every such write within a session is an event of it, with its
// value.
func (f *follower) judge(written map[string]map[string]string) (events int, problems []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	problems = append(problems, f.problems...)
	for _, s := range f.sessions {
		events += len(s.events)
		values := map[string]string{}
		for _, e := range s.events {
			if !e.deleted {
				values[e.object+"@"+strconv.FormatInt(e.version, 10)] = e.value
			}
		}
		for object, versions := range written {
			for version, value := range versions {
				n, err := strconv.ParseInt(version, 10, 64)
				if err != nil || n <= s.from || n > s.reached {
					continue
				}
				got, ok := values[object+"@"+version]
				switch {
				case !ok:
					problems = append(problems, fmt.Sprintf("the write of %s at version %s was acknowledged, and no event of the watch from %d to %d", object, version, s.from, s.reached))
				case got != value:
					problems = append(problems, fmt.Sprintf("the event of %s at version %s has the value %s, the write had %s", object, version, got, value))
				}
			}
		}
	}
	return events, problems
}

// last is the newest state of each object by the last session alone, absent objects left out, for those of which it has an
// event.
func (f *follower) last() (values map[string]string, touched map[string]bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	values, touched = map[string]string{}, map[string]bool{}
	if len(f.sessions) == 0 {
		return values, touched
	}
	for _, e := range f.sessions[len(f.sessions)-1].events {
		touched[e.object] = true
		if e.deleted {
			delete(values, e.object)
		} else {
			values[e.object] = e.value
		}
	}
	return values, touched
}
