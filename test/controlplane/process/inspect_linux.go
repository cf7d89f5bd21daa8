// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"
	"os"
	"strings"
)

type observed struct {
	started string
	zombie  bool
}

// inspect reads /proc: ps is absent from small containers.
func inspect(pid int) (observed, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return observed{}, err
	}
	return parseStat(string(data))
}

// parseStat takes fields 3 (state) and 22 (start time in ticks since boot) of proc(5)'s stat.
// The command in field 2 may itself contain blanks and parentheses, so counting starts behind it.
func parseStat(line string) (observed, error) {
	_, rest, found := cutLast(line, ")")
	fields := strings.Fields(rest)
	if !found || len(fields) < 20 {
		return observed{}, fmt.Errorf("unexpected process status %q", line)
	}
	return observed{started: fields[19], zombie: fields[0] == "Z" || fields[0] == "X"}, nil
}

func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}
