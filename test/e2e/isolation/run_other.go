// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package isolation

import "errors"

// CgroupRoot is where the kubelet puts pods.
const CgroupRoot = "/dittofs-e2e"

// MakeCgroup fails: there are none.
func MakeCgroup(string) (string, error) { return "", errors.New("real pods need Linux") }

// Enter fails: a kubelet runs on Linux only.
func Enter(string) error { return errors.New("real pods need Linux") }
