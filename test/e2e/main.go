// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command e2e is what `make e2e` runs: a cluster with real pods on this machine, our image and our manifests in it, and
// one disaster after the other. In: a repository whose binaries are built. Out: a table for each installation, and an exit
// status. It leaves nothing behind but logs.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dittofs/dittofs-apiserver/hack/cli"
	"github.com/dittofs/dittofs-apiserver/test/e2e/isolation"
)

type options struct {
	root, cniBinDir string
	// suite is quickstart, production, or all of them.
	suite string
	// only names steps by a pattern; empty: all.
	only string
	keep bool
}

func (o options) binDir() string    { return filepath.Join(o.root, ".local", "bin") }
func (o options) imageBins() string { return filepath.Join(o.root, ".local", "e2e", "bin") }
func (o options) dir() string       { return filepath.Join(o.root, ".local", "e2e", "run") }
func (o options) logDir() string    { return filepath.Join(o.root, ".local", "e2e", "logs") }

func main() { cli.Main(newCommand()) }

func newCommand() *cobra.Command {
	o := options{}
	command := &cobra.Command{
		Use: "e2e", Short: "Run our image and our manifests in a cluster with real pods", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.root, err = filepath.Abs(o.root); err != nil {
				return err
			}
			if !slices.Contains([]string{"all", "quickstart", "production"}, o.suite) {
				return fmt.Errorf("--suite=%s: must be quickstart, production or all", o.suite)
			}
			if _, err := regexp.Compile(o.only); err != nil {
				return fmt.Errorf("--only: %w", err)
			}
			// It returns in namespaces of its own.
			if err := isolation.Enter("/run/lock/dittofs-e2e.lock"); err != nil {
				return err
			}
			ctrllog.SetLogger(klog.Background())
			for _, dir := range []string{o.dir(), o.logDir()} {
				if err := os.RemoveAll(dir); err != nil {
					return fmt.Errorf("remove what an earlier run has left: %w", err)
				}
				if err := os.MkdirAll(dir, 0o700); err != nil {
					return err
				}
			}
			err = run(cmd.Context(), cmd.OutOrStdout(), o)
			if o.keep {
				return err
			}
			return errors.Join(err, removeState(o.dir()))
		},
	}
	command.Flags().StringVar(&o.root, "root", ".", "The repository; everything is kept below its .local directory.")
	command.Flags().StringVar(&o.cniBinDir, "cni-bin-dir", "/usr/lib/cni", "Where the distribution has the CNI plugins.")
	command.Flags().StringVar(&o.suite, "suite", "all", "Which installation goes through its disasters: quickstart, production, or all, one after the other.")
	command.Flags().StringVar(&o.only, "only", "", "Regular expression for names of steps: of the disasters, only those are tried.")
	command.Flags().BoolVar(&o.keep, "keep-state", false, "Leave the directories of etcd, containerd and the volumes to be looked at.")
	return command
}
