// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package isolation

import "errors"

// CgroupRoot is where the kubelet puts pods.
const CgroupRoot = "/dittofs-e2e"

// Enter fails: a kubelet runs on Linux only.
func Enter(string) error { return errors.New("real pods need Linux") }
