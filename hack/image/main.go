// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command image is what `make image` runs: it compiles dittofs-apiserver for one or more architectures and makes the same
// image of it as the Dockerfile does, without a Docker daemon. Out come an OCI layout with all of them, to be pushed, and
// an archive for each, to be loaded. It pushes nothing.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/dittofs/dittofs-apiserver/hack/cli"
	"github.com/dittofs/dittofs-apiserver/hack/image/assemble"
)

type options struct {
	root, out, name string
	architectures   []string
	cache           string // GOCACHE, if another than the user's
	origin          assemble.Origin
}

func main() { cli.Main(newCommand()) }

func newCommand() *cobra.Command {
	o := options{}
	var created string
	command := &cobra.Command{
		Use: "image", Short: "Make the container image of dittofs-apiserver", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := o.run(cmd.Context(), cmd.OutOrStdout())
			return err
		},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			seconds, err := strconv.ParseInt(created, 10, 64)
			if err != nil {
				return fmt.Errorf("--created=%s: must be seconds since 1970, such as `git log -1 --format=%%ct` prints", created)
			}
			o.origin.Created = time.Unix(seconds, 0)
			return nil
		},
	}
	flags := command.PersistentFlags()
	flags.StringVar(&o.root, "root", ".", "The repository.")
	flags.StringVar(&o.out, "out", ".local/image", "Directory that is written to.")
	flags.StringVar(&o.name, "name", "dittofs-apiserver", "Name of the image, without a tag.")
	flags.StringSliceVar(&o.architectures, "arch", []string{"amd64"}, "Architectures, such as amd64,arm64.")
	flags.StringVar(&o.origin.Version, "version", "v0.0.0-dev", "Version of the program; also the tag, with - for +.")
	flags.StringVar(&o.origin.Commit, "commit", "", "Commit that it is built from.")
	flags.StringVar(&created, "created", "0", "Time of everything in the image, in seconds since 1970: that of the commit.")
	command.AddCommand(checkCommand(&o))
	return command
}

// run returns the digest of the index.
func (o *options) run(ctx context.Context, out io.Writer) (index v1.Hash, err error) {
	var images []v1.Image
	for _, architecture := range o.architectures {
		binary := filepath.Join(o.out, "bin", architecture, "dittofs-apiserver")
		if err := o.compile(ctx, architecture, binary); err != nil {
			return index, err
		}
		image, err := assemble.Build(assemble.Server(binary, architecture, o.origin))
		if err != nil {
			return index, err
		}
		archive := filepath.Join(o.out, "dittofs-apiserver-"+architecture+".tar")
		name := o.name + ":" + assemble.Tag(o.origin.Version)
		if err := assemble.WriteArchive(archive, image, name); err != nil {
			return index, err
		}
		size, err := assemble.CompressedSize(image)
		if err != nil {
			return index, err
		}
		unpacked, err := os.Stat(binary) // there is nothing else in it
		if err != nil {
			return index, err
		}
		digest, err := image.Digest()
		if err != nil {
			return index, err
		}
		fmt.Fprintf(out, "%s  linux/%s  %s  %.1f MB compressed, %.1f MB unpacked  %s\n",
			name, architecture, digest, float64(size)/1e6, float64(unpacked.Size())/1e6, archive)
		images = append(images, image)
	}
	dir := filepath.Join(o.out, "oci")
	if index, err = assemble.WriteLayout(dir, images...); err != nil {
		return index, err
	}
	fmt.Fprintf(out, "index of %d  %s  %s\n", len(images), index, dir)
	return index, nil
}

func (o *options) compile(ctx context.Context, architecture, binary string) error {
	target, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, filepath.Join("hack", "image", "compile.sh"), target, "./cmd/dittofs-apiserver")
	command.Dir = o.root
	command.Env = append(os.Environ(), "GOARCH="+architecture, "VERSION="+o.origin.Version, "COMMIT="+o.origin.Commit)
	if o.cache != "" {
		command.Env = append(command.Env, "GOCACHE="+o.cache)
	}
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("compile for %s: %w", architecture, err)
	}
	return nil
}
