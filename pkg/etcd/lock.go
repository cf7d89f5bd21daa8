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

const lockFile = "lock"

// directoryLock is an flock, so that it ends with the process that holds it.
type directoryLock struct{ file *os.File }

func lockDirectory(dir string) (*directoryLock, error) {
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
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

// Reserve keeps every server from a data directory until release is called. It fails at once when one has it open.
func Reserve(dataDir string) (release func() error, err error) {
	lock, err := lockDirectory(dataDir)
	if err != nil {
		return nil, err
	}
	return lock.release, nil
}

// announce writes down where the holder listens, for Running.
func (l *directoryLock) announce(endpoint string) error {
	if _, err := fmt.Fprintln(l.file, endpoint); err != nil {
		return fmt.Errorf("write the endpoint into the lock of the data directory: %w", err)
	}
	return nil
}

func holder(file *os.File) string {
	if pid, _ := contents(file); pid != "" {
		return fmt.Sprintf(" (process %s)", pid)
	}
	return ""
}

func contents(file *os.File) (pid, endpoint string) {
	text, err := io.ReadAll(io.LimitReader(file, 1024))
	if err != nil {
		return "", ""
	}
	pid, endpoint, _ = strings.Cut(strings.TrimSpace(string(text)), "\n")
	return pid, endpoint
}

// ErrNotRunning says that no process has a data directory open.
var ErrNotRunning = errors.New("no dittofs-apiserver has this data directory open")

// Running returns the endpoint of the process that has a data directory open, for others of the same user on the machine
// or in the same container.
func Running(dataDir string) (endpoint string, err error) {
	file, err := os.Open(filepath.Join(dataDir, lockFile))
	if err != nil {
		return "", fmt.Errorf("no store in %s: %w", dataDir, err)
	}
	defer file.Close()
	// A shared lock: it is refused by the holder, and takes nothing from anybody who looks at the same time.
	switch err := unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB); {
	case err == nil:
		return "", fmt.Errorf("%s: %w", dataDir, ErrNotRunning)
	case !errors.Is(err, unix.EWOULDBLOCK):
		return "", fmt.Errorf("look at the lock of the data directory %s: %w", dataDir, err)
	}
	pid, endpoint := contents(file)
	if endpoint == "" {
		return "", fmt.Errorf("the data directory %s is in use by process %s, whose store is not open yet; try again", dataDir, pid)
	}
	return endpoint, nil
}

// release leaves the file: removing it would let two processes lock two files.
func (l *directoryLock) release() error { return l.file.Close() }
