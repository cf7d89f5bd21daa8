// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command apidocs writes docs/api/dittoserver.md. Fields come from the Go types,
// their words from the doc comments, their defaults from the defaulting that the
// server runs, and everything else from the template beside this file.
// It reads the source tree, so it is run from the root of the repository.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// page is where the result belongs, below the root of the repository.
const page = "docs/api/dittoserver.md"

func main() {
	if err := run("."); err != nil {
		fmt.Fprintf(os.Stderr, "apidocs: %v\n", err)
		os.Exit(1)
	}
}

func run(root string) error {
	text, err := render(root)
	if err != nil {
		return err
	}
	target := filepath.Join(root, page)
	if current, err := os.ReadFile(target); err == nil && bytes.Equal(current, text) {
		return nil
	}
	return os.WriteFile(target, text, 0o644)
}
