// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package harness gives a test package one cluster with our API server in it.
// In: options, in TestMain. Out: the plane, clients and kubectl for any user, a namespace for each test, and waits
// that have a deadline and tell what was missing. It holds no assertion about our API and never touches the cluster
// of `make up`.
package harness
