// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package isolation

import (
	"errors"
	"fmt"
	"os"
)

// settings are those of the whole machine that a kubelet changes when it starts.
type settings map[string][]byte

func readSettings() settings {
	found := settings{}
	for _, name := range []string{
		"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
		"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
	} {
		if value, err := os.ReadFile("/proc/sys/" + name); err == nil {
			found["/proc/sys/"+name] = value
		}
	}
	return found
}

// restore writes what is not as it was.
func (s settings) restore() error {
	var errs []error
	for path, want := range s {
		if now, err := os.ReadFile(path); err == nil && string(now) == string(want) {
			continue
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			errs = append(errs, fmt.Errorf("put back %s: %w", path, err))
		}
	}
	return errors.Join(errs...)
}
