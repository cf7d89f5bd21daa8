// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// RepoDir is the directory of our go.mod, above that of the test.
func RepoDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find the repository: no go.mod above the working directory")
		}
		dir = parent
	}
}

// BinDir is where the make targets put what they build.
func BinDir(root string) string { return filepath.Join(root, ".local", "bin") }

// Binary is the path of a program that a make target builds.
func Binary(name string) (string, error) {
	root, err := RepoDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(BinDir(root), name), nil
}

func needs(name, target string) error {
	path, err := Binary(name)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return fmt.Errorf("%s not found: run `%s` first", path, target)
	}
	return nil
}
