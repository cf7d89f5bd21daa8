// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/dittofs/dittofs-apiserver/pkg/backup/bucket"
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
	cmd.AddCommand(snapshotCommand(settings), statusCommand(settings), restoreCommand(settings), restoreMemberCommand(settings), listCommand(), defragCommand(settings))
	return cmd
}

func snapshotCommand(settings Settings) *cobra.Command {
	var from origin
	var server web
	var service bucket.Options
	var dir string
	var keep int
	cmd := &cobra.Command{
		Use:   "snapshot (FILE | s3://BUCKET/KEY | --dir=DIR)",
		Short: "Save the store to a file and verify that it restores",
		Long: `Save the store to a file or to s3://BUCKET/KEY, in the format of etcdctl snapshot save, and verify it by restoring it beside the file, which needs
room for the database twice. The file appears whole or not at all, and replaces none.

With --dir, a directory or s3://BUCKET/PREFIX, the snapshot is named by the time, and all but the newest --keep of such names
are removed. One for a bucket is verified in the directory for temporary files (TMPDIR), sent, and read back.

Of an etcd without a quorum, a member that is left is saved, with a warning.

With --server the snapshot is asked of a dittofs-apiserver, over HTTPS and with a bearer token. Its user needs the verb
get for the non-resource URL ` + Path + `, as in the ClusterRole dittofs-snapshot.`,
		Example: `  dittofs-apiserver etcd snapshot /backup/today.db
  dittofs-apiserver etcd snapshot today.db --etcd-servers=https://etcd-0:2379 --etcd-cafile=ca.crt --etcd-certfile=client.crt --etcd-keyfile=client.key
  dittofs-apiserver etcd snapshot --dir=/backup --server=https://dittofs-apiserver.dittofs-system.svc --server-cafile=ca.crt --token-file=/var/run/secrets/kubernetes.io/serviceaccount/token
  AWS_REGION=eu-central-1 dittofs-apiserver etcd snapshot --dir=s3://backups/dittofs --keep=48`,
		Args: cobra.MaximumNArgs(1),
	}
	from.addFlags(cmd.Flags(), settings)
	server.addFlags(cmd.Flags())
	service.AddFlags(cmd.Flags())
	cmd.Flags().StringVar(&dir, "dir", "", "Directory or s3://BUCKET/PREFIX for snapshots that are named by the time.")
	cmd.Flags().IntVar(&keep, "keep", 24, "How many of those are kept, at least 1.")
	cmd.MarkFlagsMutuallyExclusive("server", "etcd-servers")
	cmd.MarkFlagsMutuallyExclusive("server", "data-dir")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case (len(args) == 0) == (dir == ""):
			return errors.New("give a FILE, or --dir")
		case keep < 1:
			return fmt.Errorf("--keep=%d: must be at least 1", keep)
		}
		ctx, out := cmd.Context(), cmd.OutOrStdout()
		save := func(source Source) error {
			if dir != "" {
				shelf, err := OpenShelf(dir, "", service)
				if err != nil {
					return err
				}
				s := &Schedule{From: source, Layout: settings.Layout, On: shelf, Keep: keep}
				return told(out)(s.take(ctx, time.Now()))
			}
			if bucket.Names(args[0]) {
				return saveObject(ctx, out, args[0], source, settings.Layout, service)
			}
			// Who saves what is left after a disaster may not have the directory yet.
			if err := os.MkdirAll(filepath.Dir(args[0]), 0o700); err != nil {
				return err
			}
			size, err := etcd.SaveSnapshot(args[0], func(to io.Writer) (int64, error) { return source(ctx, to) })
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(out, "Saved %s, %d bytes.\n", args[0], size)
			return verifyFile(ctx, out, args[0], args[0], settings.Layout, "")
		}
		if server.url != "" {
			source, err := server.source()
			if err != nil {
				return err
			}
			return save(source)
		}
		return from.reach(ctx, func(client *clientv3.Client) error {
			member, err := etcd.Narrow(ctx, client) // a snapshot is one member's
			if err != nil {
				return err
			}
			if member.Alone {
				_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "Warning: %s has no leader. Writes that it was not told of before the others were lost are not in this snapshot.\n", member.Endpoint)
			}
			return save(FromEtcd(client))
		})
	}
	return cmd
}

func saveObject(ctx context.Context, out io.Writer, where string, from Source, layout Layout, service bucket.Options) error {
	prefix, name := where[:strings.LastIndex(where, "/")+1], path.Base(where)
	if at, err := bucket.Parse(where); err != nil || at.Key == "" || strings.HasSuffix(where, "/") {
		return errors.Join(err, fmt.Errorf("%s names no object: give s3://BUCKET/KEY, or --dir=%s", where, where))
	}
	shelf, err := OpenShelf(prefix, "", service)
	if err != nil {
		return err
	}
	return told(out)(shelf.put(ctx, name, from, layout))
}

// told says what was taken, also when something went wrong after it.
func told(out io.Writer) func(*taken, error) error {
	return func(snapshot *taken, err error) error {
		if snapshot != nil {
			_, _ = fmt.Fprintf(out, "Saved %s, %d bytes. It restores: %s.\n", snapshot.place, snapshot.size, snapshot.contents)
		}
		return err
	}
}

func restoreCommand(settings Settings) *cobra.Command {
	var dataDir, prepared string
	var moveAside bool
	var service bucket.Options
	cmd := &cobra.Command{
		Use:   "restore (FILE | s3://BUCKET/KEY)",
		Short: "Make a store of a snapshot",
		Long: `Make a store of a snapshot, which is fetched first if it is in a bucket. The store has an identity of its own and a revision raised by 1,000,000,000, all of it compacted, so
that every client lists anew. The host cluster does not know this store: the server observes only, logs what it would
change, and refuses writes until it is started with --accept-store.

Nothing is replaced: a data directory with a store in it is refused, unless --move-aside gives that another name in the
same directory. One that a server has open is refused in any case.

For an external etcd, --prepare makes a snapshot that is restored on every member with etcd restore-member.`,
		Example: `  dittofs-apiserver etcd restore /backup/today.db --data-dir=/var/lib/dittofs-apiserver/store
  dittofs-apiserver etcd restore today.db --prepare=prepared.db`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			const then = "Start dittofs-apiserver, look at what it would do, and start it again with --accept-store."
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			return local(ctx, args[0], service, func(file string) error {
				if prepared != "" {
					contents, err := Prepare(ctx, file, prepared, settings.Layout)
					if err != nil {
						return err
					}
					_, _ = fmt.Fprintf(out, "Wrote %s: %s.\nRestore it on every member: dittofs-apiserver etcd restore-member %s, or etcdutl snapshot restore.\n%s\n", prepared, contents, prepared, then)
					return nil
				}
				aside := ""
				if moveAside {
					aside = etcd.DatabaseDir + ".before-" + time.Now().UTC().Format(timeFormat)
				}
				contents, err := Restore(ctx, file, dataDir, aside, settings.Layout)
				if err != nil {
					return err
				}
				_, _ = fmt.Fprintf(out, "Restored %s into %s: %s.\n%s\n", args[0], dataDir, contents, then)
				return nil
			})
		},
	}
	service.AddFlags(cmd.Flags())
	cmd.Flags().StringVar(&dataDir, "data-dir", settings.DataDir, "Data directory to restore into. It must hold no store.")
	cmd.Flags().BoolVar(&moveAside, "move-aside", false, "Rename a store that is there to "+etcd.DatabaseDir+".before-TIME. Remove it when you are sure.")
	cmd.Flags().StringVar(&prepared, "prepare", "", "File to write instead: a snapshot for the members of an external etcd.")
	cmd.MarkFlagsMutuallyExclusive("data-dir", "prepare")
	cmd.MarkFlagsMutuallyExclusive("move-aside", "prepare")
	return cmd
}
