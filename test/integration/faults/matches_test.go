// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"slices"
	"testing"

	"github.com/dittofs/dittofs-apiserver/test/controlplane/faultproxy"
)

type match = func(faultproxy.Request) bool

// trouble adds a fault for the time of the test, or until the returned function is called.
func trouble(t *testing.T, f faultproxy.Fault) *faultproxy.Handle {
	t.Helper()
	handle := cluster.Proxy.Add(f)
	t.Cleanup(handle.Remove)
	return handle
}

// all is a match of every one of the given.
func all(matches ...match) match {
	return func(r faultproxy.Request) bool {
		return !slices.ContainsFunc(matches, func(m match) bool { return !m(r) })
	}
}

func in(namespace string) match {
	return func(r faultproxy.Request) bool { return r.Namespace == namespace }
}

func of(resource string, verbs ...string) match {
	return func(r faultproxy.Request) bool {
		return r.Resource == resource && r.Subresource == "" && (len(verbs) == 0 || slices.Contains(verbs, r.Verb))
	}
}

func stored(r faultproxy.Request) bool { return !r.DryRun }

func noWatch(r faultproxy.Request) bool { return r.Verb != "watch" }
