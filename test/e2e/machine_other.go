// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "errors"

func unmount(string) {}

func killProgram(string) error { return errors.New("needs Linux") }
