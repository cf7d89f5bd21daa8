// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package servingcert lets the server certify itself: a Secret with an authority that all replicas share goes in, a short
// certificate for this process and the caBundle of the APIService come out. The old authority is trusted until the last
// certificate of it is gone, and a new one signs only after it is trusted. No key but the authority's is ever stored.
package servingcert
