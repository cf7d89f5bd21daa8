// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

var origin = Origin{Version: "v1.2.3-dev+1a2b3c4", Commit: "1a2b3c4d", Created: time.Unix(1_700_000_000, 0)}

// binary is a file whose own time differs from call to call.
func binary(t *testing.T, modified time.Time) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "binary")
	if err := os.WriteFile(path, []byte(strings.Repeat("program", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, modified, modified); err != nil {
		t.Fatal(err)
	}
	return path
}

func built(t *testing.T, spec Spec) v1.Image {
	t.Helper()
	image, err := Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	// As it is read back: in memory, an empty map is not the same as none.
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := WriteArchive(path, image, "test:1"); err != nil {
		t.Fatal(err)
	}
	read, err := tarball.ImageFromPath(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(read); err != nil {
		t.Fatalf("the image is not valid: %v", err)
	}
	return image
}

func TestTheSameFilesMakeTheSameImageBitForBit(t *testing.T) {
	var archives [2]string
	for i, modified := range []time.Time{time.Unix(1, 0), time.Now()} {
		image := built(t, Server(binary(t, modified), "amd64", origin))
		path := filepath.Join(t.TempDir(), "image.tar")
		if err := WriteArchive(path, image, "dittofs-apiserver:"+Tag(origin.Version)); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		archives[i] = string(data)
	}
	if archives[0] != archives[1] {
		t.Error("two archives of the same files differ")
	}
}

func TestTheImageRunsAsNobodyAndHoldsNothingElse(t *testing.T) {
	image := built(t, Server(binary(t, time.Now()), "arm64", origin))
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532:65532" || config.Architecture != "arm64" || config.OS != "linux" || !config.Created.Equal(origin.Created) {
		t.Errorf("user %q, platform %s/%s, created %s", config.Config.User, config.OS, config.Architecture, config.Created)
	}
	content := mutate.Extract(image)
	defer content.Close()
	files := map[string]*tar.Header{}
	for archive := tar.NewReader(content); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = header
	}
	program := files["dittofs-apiserver"]
	if len(files) != 1 || program == nil || program.Mode != 0o755 || program.Uid != 0 {
		t.Fatalf("files %v, want the program alone, owned by root and writable for nobody else", files)
	}
}

func TestTheImageOfDittoFSIsRunAsThePodsThatWeRenderDo(t *testing.T) {
	image := built(t, DFS(binary(t, time.Now()), "amd64", origin))
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	command := strings.Join(append(config.Config.Entrypoint, config.Config.Cmd...), " ")
	if want := "/app/dfs start --foreground --config /config/config.yaml"; command != want || config.Config.User != "65532:65532" {
		t.Errorf("runs %q as %s, want %q as 65532", command, config.Config.User, want)
	}
}

func TestALayoutHoldsOneImageForEachArchitecture(t *testing.T) {
	file, dir := binary(t, time.Now()), filepath.Join(t.TempDir(), "oci")
	digest, err := WriteLayout(dir, built(t, Server(file, "amd64", origin)), built(t, Server(file, "arm64", origin)))
	if err != nil {
		t.Fatal(err)
	}
	path, err := layout.FromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	root, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	index, err := root.ImageIndex(digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range manifest.Manifests {
		found = append(found, entry.Platform.String())
	}
	if got := strings.Join(found, " "); got != "linux/amd64 linux/arm64" {
		t.Errorf("the index has %s", got)
	}
}

func TestAnArchiveIsReadBackUnderItsName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image.tar")
	image := built(t, Pause(binary(t, time.Now()), "amd64", origin))
	if err := WriteArchive(path, image, "dittofs.test/pause:1"); err != nil {
		t.Fatal(err)
	}
	if _, err := tarball.ImageFromPath(path, nil); err != nil {
		t.Error(err)
	}
	if err := WriteArchive(path, image, "no tag"); err == nil {
		t.Error("a name that is none was taken")
	}
}

func TestPathsThatAreNotCleanAreRefused(t *testing.T) {
	for _, path := range []string{"app/dfs", "/app/../dfs", "/app/"} {
		if _, err := Build(Spec{Entries: []Entry{{Path: path, Mode: 0o755}}}); err == nil {
			t.Errorf("%s was taken", path)
		}
	}
}
