// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command localup is what `make up`, `make down` and `make demo` run: the local control plane as a background service.
// In: a repository whose binaries are built. Out: a cluster with our API in it, a kubeconfig, and its complete removal.
// It never touches a cluster that the user already has, nor anything outside <root>/.local.
package main

import (
	"github.com/spf13/cobra"

	"github.com/dittofs/dittofs-apiserver/hack/cli"
)

func main() { cli.Main(newCommand()) }

func newCommand() *cobra.Command {
	var root, emulatedVersion string
	command := &cobra.Command{
		Use:   "localup",
		Short: "Run a local Kubernetes control plane with the DittoFS API in it",
	}
	command.PersistentFlags().StringVar(&root, "root", ".", "The repository; everything is kept below its .local directory.")

	// sub makes a subcommand that works on the layout of --root.
	sub := func(use, short string, run func(*cobra.Command, layout) error) *cobra.Command {
		return &cobra.Command{
			Use: use, Short: short, Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				l, err := newLayout(root)
				if err != nil {
					return err
				}
				return run(cmd, l)
			},
		}
	}
	emulation := func(cmd *cobra.Command) *cobra.Command {
		cmd.Flags().StringVar(&emulatedVersion, "emulated-version", "", "Behave like this older Kubernetes release, such as 1.34.")
		return cmd
	}
	supervise := emulation(sub("run", "Supervise the control plane in the foreground", func(cmd *cobra.Command, l layout) error {
		return runSupervisor(cmd.Context(), l, emulatedVersion)
	}))
	supervise.Hidden = true
	command.AddCommand(
		emulation(sub("up", "Start the control plane and leave it running", func(cmd *cobra.Command, l layout) error {
			return up(cmd.Context(), cmd.OutOrStdout(), l, emulatedVersion)
		})),
		sub("down", "Stop the control plane and leave nothing but binaries and logs", func(cmd *cobra.Command, l layout) error {
			return down(cmd.Context(), cmd.OutOrStdout(), l)
		}),
		sub("status", "Show what runs", func(cmd *cobra.Command, l layout) error {
			return status(cmd.OutOrStdout(), l)
		}),
		emulation(sub("demo", "Start the control plane, create a DittoServer and show what it becomes", func(cmd *cobra.Command, l layout) error {
			return demo(cmd.Context(), cmd.OutOrStdout(), l, emulatedVersion)
		})),
		supervise,
	)
	return command
}
