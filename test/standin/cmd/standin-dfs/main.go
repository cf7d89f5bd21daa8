// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command standin-dfs serves the REST API of DittoFS for every pod of a cluster whose pods run nothing, such as kwok's. In
// go a kubeconfig and an address to listen on; out comes http://ADDRESS/NAMESPACE/NAME/, and https:// there for a server
// that is configured for TLS, with its own certificate for who asks for NAME-api.NAMESPACE.svc. It never writes to the cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/dittofs/dittofs-apiserver/test/standin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var kubeconfig, listen string
	var kept bool
	cmd := &cobra.Command{
		Use:           "standin-dfs",
		Short:         "Serve the DittoFS REST API for every pod of a cluster whose pods run nothing",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: false,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd.Context(), kubeconfig, listen, kept)
		},
	}
	cmd.Flags().StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig of the cluster whose pods are followed; it must read Pods, Secrets, ConfigMaps, Services and PersistentVolumeClaims")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:18080", "address to serve on, HTTP for servers without TLS and HTTPS for those with; everybody who reaches it can break servers through /_standin/")
	cmd.Flags().BoolVar(&kept, "kept-databases", false, "give each database the identity that follows from where it is, as if it had been there before")
	_ = cmd.MarkFlagRequired("kubeconfig") // fails for an unknown flag only
	return cmd
}

func run(ctx context.Context, kubeconfig, listen string, kept bool) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	config.UserAgent = "standin-dfs"
	config.QPS, config.Burst = 100, 200 // a hundred servers may start at once, each with a handful of reads
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	server, err := standin.New(standin.Options{Client: client, Logger: log, KeptDatabases: kept})
	if err != nil {
		return err
	}
	inner, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	listener := server.Listener(inner)
	log.Info("serving", "address", "http://"+listener.Addr().String()+"/NAMESPACE/NAME/")

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	httpServer := &http.Server{
		Handler:           server,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // ends requests that hang
	}
	serving := make(chan error, 1)
	go func() {
		serving <- httpServer.Serve(listener)
		cancel()
	}()
	watchErr := server.Run(ctx)
	cancel()
	_ = httpServer.Close()
	if err := <-serving; !errors.Is(err, http.ErrServerClosed) {
		return errors.Join(watchErr, fmt.Errorf("serve: %w", err))
	}
	return watchErr
}
