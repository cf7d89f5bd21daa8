// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"
)

// checkCommand is what `make image-check` runs.
func checkCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Make the images of the last commit twice, in two fresh clones, and compare every byte", Args: cobra.NoArgs,
		Long: "Make the images of the last commit twice, in two fresh clones at paths of different lengths, and compare the programs, the archives and the digests. The second is compiled with an empty build cache: else it would be a copy of the first.",
		RunE: func(cmd *cobra.Command, _ []string) error { return o.check(cmd.Context(), cmd.OutOrStdout()) },
	}
}

func (o *options) check(ctx context.Context, out io.Writer) (err error) {
	work, err := os.MkdirTemp("", "dittofs-image-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	var index [2]v1.Hash
	var made [2]string
	for i, place := range []string{"a", filepath.Join("another", "place", "with-a-longer-path")} {
		clone := filepath.Join(work, place)
		command := exec.CommandContext(ctx, "git", "clone", "--quiet", "--no-hardlinks", o.root, clone)
		command.Stderr = os.Stderr
		if err := command.Run(); err != nil {
			return fmt.Errorf("clone %s: %w", o.root, err)
		}
		once := *o
		once.root, once.out, made[i] = clone, filepath.Join(clone, ".local", "image"), filepath.Join(clone, ".local", "image")
		if i > 0 {
			once.cache = filepath.Join(work, "cache")
		}
		if index[i], err = once.run(ctx, out); err != nil {
			return err
		}
	}
	for _, architecture := range o.architectures {
		if err := sameBytes(filepath.Join("bin", architecture, "dittofs-apiserver"), made); err != nil {
			return err
		}
		if err := sameBytes("dittofs-apiserver-"+architecture+".tar", made); err != nil {
			return err
		}
	}
	if index[0] != index[1] {
		return fmt.Errorf("the digests of the index differ: %s and %s", index[0], index[1])
	}
	_, err = fmt.Fprintf(out, "The same bytes twice: programs, archives and index %s.\n", index[0])
	return err
}

func sameBytes(name string, in [2]string) error {
	var content [2][]byte
	for i, dir := range in {
		var err error
		if content[i], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	if !bytes.Equal(content[0], content[1]) {
		return fmt.Errorf("%s differs between two builds of one commit: %d and %d bytes", name, len(content[0]), len(content[1]))
	}
	return nil
}
