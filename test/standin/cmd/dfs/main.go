// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command dfs is started like the real one, `dfs start --foreground --config FILE`, and serves its REST API without its
// file protocols: the pods of `make e2e` run it where no real dfs is given.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/dittofs/dittofs-apiserver/test/standin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		stop()
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var config string
	var foreground bool
	start := &cobra.Command{
		Use: "start", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !foreground {
				return errors.New("the stand-in has no daemon: say --foreground")
			}
			options := standin.Options{Logger: slog.New(slog.NewJSONHandler(os.Stdout, nil))}
			server, err := standin.NewSolo(cmd.Context(), options, config, os.Environ())
			if err != nil {
				return err
			}
			return server.Serve(cmd.Context())
		},
	}
	start.Flags().StringVar(&config, "config", "/config/config.yaml", "configuration file")
	start.Flags().BoolVarP(&foreground, "foreground", "f", false, "do not fork")
	root := &cobra.Command{Use: "dfs", SilenceUsage: true, SilenceErrors: true}
	root.AddCommand(start)
	return root
}
