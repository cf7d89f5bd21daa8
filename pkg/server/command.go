// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/cli/globalflag"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/term"
	"k8s.io/component-base/version"
	"k8s.io/component-base/version/verflag"
	"k8s.io/klog/v2"

	"github.com/dittofs/dittofs-apiserver/pkg/supportbundle"
)

// NewCommand returns the command dittofs-apiserver. It ends when ctx does.
func NewCommand(ctx context.Context) *cobra.Command {
	options := NewOptions()
	cmd := &cobra.Command{
		Use:   "dittofs-apiserver",
		Short: "Serve the API group dittofs.io to a Kubernetes cluster and run DittoFS file servers in it",
		Long: `dittofs-apiserver is an aggregated API server: a Kubernetes cluster passes requests
for the group dittofs.io on to it. It keeps DittoServers in an etcd of its own and
runs controllers that make StatefulSets, Services and the like of them.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if err := options.Complete(); err != nil {
				return err
			}
			return logsapi.ValidateAndApply(options.Logs, nil)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if requested := cmd.Flags().Lookup("version"); requested != nil && requested.Value.String() == "true" {
				return printVersion(cmd.OutOrStdout())
			}
			verflag.PrintAndExitIfRequested() // --version=raw
			if err := options.Validate(); err != nil {
				return err
			}
			return run(cmd.Context(), options)
		},
	}
	cmd.SetContext(ctx)
	cmd.AddCommand(forTerminals(storeCommand(options)), forTerminals(supportbundle.NewCommand(options.Host.Namespace)))
	sets := options.Flags()
	verflag.AddFlags(sets.FlagSet("global"))
	globalflag.AddGlobalFlags(sets.FlagSet("global"), cmd.Name(), logs.SkipLoggingConfigurationFlags())
	for _, flags := range sets.FlagSets {
		cmd.Flags().AddFlagSet(flags)
	}
	columns, _, _ := term.TerminalSize(cmd.OutOrStdout())
	cliflag.SetUsageAndHelpFunc(cmd, sets, columns)
	return cmd
}

// forTerminals makes a command that people run out of one that starts a server: it lists its own flags, and its errors are no
// lines of a log.
func forTerminals(cmd *cobra.Command) *cobra.Command {
	plain := &cobra.Command{}
	cmd.SetHelpFunc(plain.HelpFunc())
	cmd.SetUsageFunc(plain.UsageFunc())
	cmd.PersistentPreRunE = func(*cobra.Command, []string) error { return nil }
	return cmd
}

// printVersion says what a bug report needs: the library would leave out the commit.
func printVersion(out io.Writer) error {
	info := version.Get()
	commit := info.GitCommit
	if commit == "" || strings.HasPrefix(commit, "$") { // the library's placeholder
		commit = "unknown"
	}
	_, err := fmt.Fprintf(out, "dittofs-apiserver %s (commit %s, %s, %s)\n", info.GitVersion, commit, info.GoVersion, info.Platform)
	return err
}

func run(ctx context.Context, options *Options) error {
	klog.InfoS("Starting dittofs-apiserver", "version", version.Get().GitVersion)
	server, err := New(ctx, options)
	if err != nil {
		return err
	}
	if err := server.Run(ctx); errors.Is(err, ErrRestart) {
		klog.InfoS("Stopped on purpose", "reason", err.Error())
		return nil
	} else if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
