// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
)

// Settings are what the command shares with the server.
type Settings struct {
	// DataDir is the default of --data-dir.
	DataDir string
	Layout  Layout
}

// NewCommand returns the command etcd.
func NewCommand(settings Settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "etcd",
		Short: "Save, restore and look after the store",
		Long: `Save, restore and look after the store: the etcd inside dittofs-apiserver, or the one that --etcd-servers names.

The embedded etcd has no network port. These commands reach it by its socket in --data-dir, as the user that the
server runs as, in its container: kubectl exec dittofs-apiserver-0 -- /dittofs-apiserver etcd status`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(snapshotCommand(settings), statusCommand(settings), restoreCommand(settings), defragCommand(settings))
	return cmd
}

// source is the etcd that a command is about.
type source struct {
	dataDir    string
	connection etcd.Connection
}

func (s *source) addFlags(flags *pflag.FlagSet, settings Settings) {
	flags.StringVar(&s.dataDir, "data-dir", settings.DataDir, "Directory of the embedded etcd of a server that runs.")
	flags.StringSliceVar(&s.connection.Endpoints, "etcd-servers", nil, "URLs of an external etcd, instead of the embedded one.")
	flags.StringVar(&s.connection.CAFile, "etcd-cafile", "", "File with the certificate authority of the external etcd, PEM.")
	flags.StringVar(&s.connection.CertFile, "etcd-certfile", "", "File with the client certificate for it, PEM.")
	flags.StringVar(&s.connection.KeyFile, "etcd-keyfile", "", "File with the key of that certificate, PEM.")
}

// use runs f with a client of the etcd.
func (s *source) use(ctx context.Context, f func(*clientv3.Client) error) (err error) {
	connection := s.connection
	if len(connection.Endpoints) == 0 {
		endpoint, err := etcd.Running(s.dataDir)
		if err != nil {
			return fmt.Errorf("%w; give the --data-dir of a server that runs, or --etcd-servers", err)
		}
		connection.Endpoints = []string{endpoint}
	}
	connecting, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	client, err := etcd.Connect(connecting, connection)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return f(client)
}

func snapshotCommand(settings Settings) *cobra.Command {
	var from source
	var url, caFile, tokenFile string
	var skip bool
	cmd := &cobra.Command{
		Use:   "snapshot FILE",
		Short: "Save the store to a file and verify that it restores",
		Long: `Save the store to a file, in the format of etcdctl snapshot save, and verify it by restoring it beside the file.
The file appears whole or not at all, and replaces none.

With --server the snapshot is asked of a dittofs-apiserver, over HTTPS and with a bearer token. Its user needs the verb
get for the non-resource URL ` + Path + `, as in the ClusterRole dittofs-snapshot.`,
		Example: `  dittofs-apiserver etcd snapshot /backup/today.db
  dittofs-apiserver etcd snapshot today.db --etcd-servers=https://etcd-0:2379 --etcd-cafile=ca.crt --etcd-certfile=client.crt --etcd-keyfile=client.key
  dittofs-apiserver etcd snapshot /backup/today.db --server=https://dittofs-apiserver.dittofs-system.svc --server-cafile=ca.crt --token-file=/var/run/secrets/kubernetes.io/serviceaccount/token`,
		Args: cobra.ExactArgs(1),
	}
	from.addFlags(cmd.Flags(), settings)
	cmd.Flags().StringVar(&url, "server", "", "URL of a dittofs-apiserver to ask for the snapshot.")
	cmd.Flags().StringVar(&caFile, "server-cafile", "", "File with the certificate authority of that server, PEM. Left out, that of the system is used.")
	cmd.Flags().StringVar(&tokenFile, "token-file", "", "File with the bearer token for that server.")
	cmd.Flags().BoolVar(&skip, "skip-verify", false, "Do not restore the snapshot to verify it: that needs room for the database twice beside the file.")
	cmd.MarkFlagsMutuallyExclusive("server", "etcd-servers")
	cmd.MarkFlagsMutuallyExclusive("server", "data-dir")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		ctx, out := cmd.Context(), cmd.OutOrStdout()
		var size int64
		if url != "" {
			size, err = fetch(ctx, url, caFile, tokenFile, args[0])
		} else {
			err = from.use(ctx, func(client *clientv3.Client) error {
				client.SetEndpoints(client.Endpoints()[0]) // a snapshot is one member's
				size, err = etcd.SaveSnapshot(args[0], func(to io.Writer) (int64, error) { return etcd.WriteSnapshot(ctx, client, to) })
				return err
			})
		}
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "Saved %s, %d bytes.\n", args[0], size)
		if skip {
			return nil
		}
		return verifyFile(ctx, out, args[0], settings.Layout, "")
	}
	return cmd
}

func fetch(ctx context.Context, url, caFile, tokenFile, file string) (int64, error) {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return 0, fmt.Errorf("--server-cafile: %w", err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return 0, fmt.Errorf("--server-cafile %s: no certificate in it", caFile)
		}
	}
	var token string
	if tokenFile != "" {
		content, err := os.ReadFile(tokenFile)
		if err != nil {
			return 0, fmt.Errorf("--token-file: %w", err)
		}
		token = strings.TrimSpace(string(content))
	}
	return download(ctx, &http.Client{Transport: transport}, url, token, file)
}

func restoreCommand(settings Settings) *cobra.Command {
	var dataDir, prepared string
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a store of a snapshot",
		Long: `Make a store of a snapshot. It has an identity of its own and a revision raised by 1,000,000,000, all of it compacted, so
that every client lists anew. The host cluster does not know this store: the server observes only, logs what it would
change, and refuses writes until it is started with --accept-store.

Nothing is replaced: a data directory with a store in it is refused.

For an external etcd, --prepare makes a snapshot that is restored on every member with etcdutl snapshot restore.`,
		Example: `  dittofs-apiserver etcd restore /backup/today.db --data-dir=/var/lib/dittofs-apiserver
  dittofs-apiserver etcd restore today.db --prepare=prepared.db`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			if prepared != "" {
				contents, err := Prepare(ctx, args[0], prepared, settings.Layout)
				if err != nil {
					return err
				}
				_, _ = fmt.Fprintf(out, "Wrote %s: %s.\nRestore it on every member: etcdutl snapshot restore %s\nThen start dittofs-apiserver, look at what it would do, and start it again with --accept-store.\n", prepared, contents, prepared)
				return nil
			}
			contents, err := Restore(ctx, args[0], dataDir, settings.Layout)
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(out, "Restored %s into %s: %s.\nStart dittofs-apiserver, look at what it would do, and start it again with --accept-store.\n", args[0], dataDir, contents)
			return nil
		},
	}
	cmd.Flags().StringVar(&dataDir, "data-dir", settings.DataDir, "Data directory to restore into. It must hold no store.")
	cmd.Flags().StringVar(&prepared, "prepare", "", "File to write instead: a snapshot for the members of an external etcd.")
	cmd.MarkFlagsMutuallyExclusive("data-dir", "prepare")
	return cmd
}
