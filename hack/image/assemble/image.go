// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package assemble makes container images of files, without a Docker daemon: a description and files go in, an image
// comes out, bit for bit the same each time. It compiles nothing and asks no registry.
package assemble

import (
	"archive/tar"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Spec is what an image holds and says of itself.
type Spec struct {
	OS, Architecture string
	// Entries are the files and directories, on nothing: there is no base image.
	Entries []Entry
	// User is numeric, so that the kubelet can tell that it is not root.
	User       string
	WorkingDir string
	Entrypoint []string
	Cmd        []string
	Env        []string
	// Ports are such as "10250/tcp".
	Ports  []string
	Labels map[string]string
	// Created is the time of everything in the image. It comes from the source, not from a clock.
	Created time.Time
}

// Entry is a file, or a directory if Source is empty.
type Entry struct {
	// Path is absolute, in the image.
	Path string
	// Source is a file of this machine.
	Source string
	Mode   int64
	// Owner is user and group.
	Owner int
}

// Build returns the image.
func Build(spec Spec) (v1.Image, error) {
	content, err := layer(spec)
	if err != nil {
		return nil, err
	}
	// Uncompressed content is handed over; the library compresses it, in the same way each time.
	built, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, fmt.Errorf("make the layer: %w", err)
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.Append(base, mutate.Addendum{
		Layer:   built,
		History: v1.History{Created: v1.Time{Time: spec.Created.UTC()}, CreatedBy: "hack/image"},
	})
	if err != nil {
		return nil, fmt.Errorf("add the layer: %w", err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = spec.OS, spec.Architecture
	file.Created = v1.Time{Time: spec.Created.UTC()}
	file.Config = v1.Config{
		User: spec.User, WorkingDir: spec.WorkingDir, Entrypoint: spec.Entrypoint, Cmd: spec.Cmd, Env: spec.Env,
		Labels: spec.Labels,
	}
	for _, port := range spec.Ports {
		if file.Config.ExposedPorts == nil {
			file.Config.ExposedPorts = map[string]struct{}{}
		}
		file.Config.ExposedPorts[port] = struct{}{}
	}
	return mutate.ConfigFile(image, file)
}

// layer is a tar of the entries, parents first, with one time and the owners as given.
func layer(spec Spec) ([]byte, error) {
	entries := slices.Clone(spec.Entries)
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Path, b.Path) })
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for _, entry := range entries {
		if !path.IsAbs(entry.Path) || path.Clean(entry.Path) != entry.Path {
			return nil, fmt.Errorf("%q is no clean absolute path", entry.Path)
		}
		header := &tar.Header{
			Name: strings.TrimPrefix(entry.Path, "/"), Mode: entry.Mode, Uid: entry.Owner, Gid: entry.Owner,
			ModTime: spec.Created.UTC().Truncate(time.Second), Format: tar.FormatPAX,
		}
		var content []byte
		if entry.Source == "" {
			header.Typeflag, header.Name = tar.TypeDir, header.Name+"/"
		} else {
			var err error
			if content, err = os.ReadFile(entry.Source); err != nil {
				return nil, err
			}
			header.Typeflag, header.Size = tar.TypeReg, int64(len(content))
		}
		if err := archive.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Path, err)
		}
		if _, err := archive.Write(content); err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Path, err)
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
