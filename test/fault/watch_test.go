// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/watch"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func class(name, version, value string) *dittofsv1alpha1.DittoServerClass {
	c := &dittofsv1alpha1.DittoServerClass{}
	c.Name, c.ResourceVersion = name, version
	c.Annotations = map[string]string{annotation: value}
	return c
}

func TestWhatAWatchMissedOrRepeatedIsFound(t *testing.T) {
	written := map[string]map[string]string{"a": {"11": "x", "13": "y"}, "b": {"12": "z", "9": "before"}}
	tests := []struct {
		name string
		play func(*follower)
		says string
	}{
		{"everything once", func(f *follower) {
			f.note(watch.Added, class("a", "11", "x"))
			f.note(watch.Added, class("b", "12", "z"))
			f.note(watch.Modified, class("a", "13", "y"))
		}, ""},
		{"what comes later may be missing", func(f *follower) { f.note(watch.Added, class("a", "11", "x")) }, ""},
		{"a write is missed", func(f *follower) {
			f.note(watch.Added, class("a", "11", "x"))
			f.note(watch.Modified, class("a", "13", "y"))
		}, "the write of b at version 12"},
		{"a write is missed before a bookmark", func(f *follower) {
			f.note(watch.Added, class("a", "11", "x"))
			f.note(watch.Bookmark, class("", "12", ""))
		}, "the write of b at version 12"},
		{"an event is repeated", func(f *follower) {
			f.note(watch.Added, class("a", "11", "x"))
			f.note(watch.Added, class("a", "11", "x"))
		}, "repeated, or out of order"},
		{"an event has another value", func(f *follower) { f.note(watch.Added, class("a", "11", "other")) }, "has the value other"},
		{"a list goes back", func(f *follower) {
			f.note(watch.Added, class("a", "11", "x"))
			f.begin("10")
		}, "a list is at version 10"},
		{"a list bridges a gap", func(f *follower) { f.begin("13") }, ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			f := &follower{}
			f.begin("10")
			tc.play(f)
			_, problems := f.judge(written)
			said := strings.Join(problems, "; ")
			if tc.says == "" && said != "" || !strings.Contains(said, tc.says) {
				t.Errorf("it finds %q, want %q", said, tc.says)
			}
		})
	}
}
