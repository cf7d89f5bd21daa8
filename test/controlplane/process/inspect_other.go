// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package process

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

type observed struct {
	started string
	zombie  bool
}

// inspect asks ps, whose lstart is the one absolute time of start that every BSD prints.
func inspect(pid int) (observed, error) {
	output, err := exec.Command("ps", "-o", "state=,lstart=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return observed{}, fmt.Errorf("ps: %w", err)
	}
	state, started, found := strings.Cut(strings.TrimSpace(string(output)), " ")
	if !found {
		return observed{}, fmt.Errorf("no process %d", pid)
	}
	return observed{started: strings.TrimSpace(started), zombie: strings.HasPrefix(state, "Z")}, nil
}
