// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"fmt"
	"os"
	"path/filepath"
)

// DurableBinaries makes a directory of the same binaries in which etcd writes to the
// disk before it answers, as the embedded one does: tests start it with --unsafe-no-fsync.
func DurableBinaries(from, dir string) error {
	from, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() || entry.Name() == "etcd" {
			continue
		}
		if err := os.Symlink(filepath.Join(from, entry.Name()), filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	script := fmt.Sprintf("#!/bin/sh\nfor argument in \"$@\"; do\n  shift\n  case $argument in --unsafe-no-fsync*) ;; *) set -- \"$@\" \"$argument\" ;; esac\ndone\nexec '%s' \"$@\"\n",
		filepath.Join(from, "etcd"))
	return os.WriteFile(filepath.Join(dir, "etcd"), []byte(script), 0o700)
}
