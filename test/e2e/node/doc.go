// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package node makes this machine the nodes of a cluster: for each containerd, a kubelet and kube-proxy as processes, a
// bridge for the pods, and directories for their volumes. It belongs into namespaces of its own (package isolation),
// which take away what it leaves behind.
package node
