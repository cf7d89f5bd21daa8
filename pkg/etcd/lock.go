// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// directoryLock is an flock, so that it ends with the process that holds it.
type directoryLock struct{ file *os.File }

func lockDirectory(dir string) (*directoryLock, error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the data directory: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer file.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock the data directory %s: %w", dir, err)
		}
		return nil, fmt.Errorf("the data directory %s is in use by another dittofs-apiserver%s; stop it or choose another --data-dir", dir, holder(file))
	}
	// Who holds it is for the message above only, so a failure is none of this lock.
	if err := file.Truncate(0); err == nil {
		_, _ = fmt.Fprintf(file, "%d\n", os.Getpid())
	}
	return &directoryLock{file}, nil
}

func holder(file *os.File) string {
	content, err := io.ReadAll(io.LimitReader(file, 32))
	if pid := strings.TrimSpace(string(content)); err == nil && pid != "" {
		return fmt.Sprintf(" (process %s)", pid)
	}
	return ""
}

// release leaves the file: removing it would let two processes lock two files.
func (l *directoryLock) release() error { return l.file.Close() }
