// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Options say where a control plane lives and what belongs to it.
type Options struct {
	// Dir holds everything the plane writes: data, certificates, kubeconfigs. Stop removes it, logs excepted.
	Dir string
	// LogDir gets one <component>.log each and audit.log. Default: Dir/logs.
	LogDir string
	// BinDir has the binaries that `make controlplane` builds.
	BinDir string
	// EmulatedVersion, such as "1.34", makes the same binaries behave like that release. Default: their own.
	EmulatedVersion string
	// WithoutControllers leaves out kube-controller-manager, kube-scheduler and kwok.
	WithoutControllers bool
	// NodeAddress is an address of this machine that pods can reach. With it, the plane listens on every address instead
	// of on loopback only, real nodes join it, and kwok is left out: it is for a network namespace of its own.
	NodeAddress string
	// Seed, if not nil, is called when etcd serves and kube-apiserver does not run yet, with the URL of etcd.
	Seed func(ctx context.Context, etcd string) error
	// ControllerQPS and ControllerBurst limit kube-controller-manager's requests. The defaults, 100 and 200, are
	// five times its own, which would make namespaces of a busy test queue for seconds.
	ControllerQPS   int
	ControllerBurst int
	// Report is told about each component that became ready. It must not block.
	Report func(component, detail string)
}

func (o *Options) complete() error {
	if o.Dir == "" || o.BinDir == "" {
		return errors.New("a control plane needs Options.Dir and Options.BinDir")
	}
	if o.LogDir == "" {
		o.LogDir = filepath.Join(o.Dir, "logs")
	}
	// Absolute, since the paths go to child processes and into kubeconfigs.
	for _, path := range []*string{&o.Dir, &o.LogDir, &o.BinDir} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("resolve %s: %w", *path, err)
		}
		*path = absolute
	}
	if o.ControllerQPS == 0 {
		o.ControllerQPS = 100
	}
	if o.ControllerBurst == 0 {
		o.ControllerBurst = 200
	}
	if o.Report == nil {
		o.Report = func(string, string) {}
	}
	return o.checkBinaries()
}

// checkBinaries fails before anything is started, with the command that repairs it.
func (o *Options) checkBinaries() error {
	names := []string{"etcd", "kube-apiserver"}
	if !o.WithoutControllers {
		names = append(names, "kube-controller-manager", "kube-scheduler")
	}
	if o.simulatesNodes() {
		names = append(names, "kwok")
	}
	var missing []string
	for _, name := range names {
		if info, err := os.Stat(o.binary(name)); err != nil || info.IsDir() {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s not found in %s: run `make controlplane` first", strings.Join(missing, ", "), o.BinDir)
	}
	return nil
}

// simulatesNodes is true where pods only seem to run.
func (o *Options) simulatesNodes() bool { return !o.WithoutControllers && o.NodeAddress == "" }

func (o *Options) binary(name string) string { return filepath.Join(o.BinDir, name) }

func (o *Options) emulation() []string {
	if o.EmulatedVersion == "" {
		return nil
	}
	return []string{"--emulated-version=" + o.EmulatedVersion}
}
