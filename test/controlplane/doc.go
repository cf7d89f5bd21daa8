// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package controlplane runs a real Kubernetes control plane, and our API server in it, as local processes.
// In: a directory for everything it writes and one with the binaries. Out: a cluster, ready to use, and clients of it.
// It never writes elsewhere, never leaves a process behind and never talks to any other cluster.
//
// etcd and kube-apiserver are started by controller-runtime's envtest. envtest alone lacks what we
// need besides: an aggregation layer, ServiceAccounts, controllers, a scheduler, and nodes, pods and volumes that behave (kwok).
package controlplane
