// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package server turns flags into a running aggregated API server: options go
// in, a server with admission, storage and embedded controllers comes out. It
// holds no behaviour of the API itself: that is in registry, admission and
// validation.
package server
