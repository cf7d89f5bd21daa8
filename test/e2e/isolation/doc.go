// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package isolation runs a command as root in namespaces of its own: processes, mounts, network, names. Whatever the
// command starts, mounts or connects is gone when it ends, however it ends. Cgroups and kernel settings are not in any
// namespace: those are put back by the caller's side, at the latest by the next run.
package isolation
