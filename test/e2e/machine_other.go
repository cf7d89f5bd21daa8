// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"errors"

	corev1 "k8s.io/api/core/v1"
)

func unmount(string) {}

func killPod(*corev1.Pod, string) error { return errors.New("needs Linux") }

func killProgram(string) error { return errors.New("needs Linux") }
