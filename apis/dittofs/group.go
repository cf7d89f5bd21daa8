// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package dittofs names the API group; its kinds are in the version packages below it.
package dittofs

// GroupName is the API group that this project serves.
const GroupName = "dittofs.io"
