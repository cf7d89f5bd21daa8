// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package node makes this machine the node of a cluster: containerd, a kubelet, kube-proxy and CoreDNS as processes, a
// bridge for the pods, and directories for their volumes. It belongs into namespaces of its own (package isolation),
// which take away what it leaves behind.
package node
