// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
	"github.com/dittofs/dittofs-apiserver/pkg/storeidentity"
)

// RestoreMember makes the data directory of one member of an external etcd of a snapshot that Prepare has made: of any other,
// the members would be one store under a name and at a revision that it had before. What is there already is left alone,
// which is an error; with aside it gets that name beside the new one.
func RestoreMember(ctx context.Context, prepared, dataDir, aside string, member etcd.Membership, layout Layout) (contents *Contents, err error) {
	switch _, err := os.Lstat(dataDir); {
	case err == nil && aside == "":
		return nil, fmt.Errorf("%s holds a store, and a restore replaces none: move it away first, or give --move-aside", dataDir)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nil, err
	case err != nil:
		aside = ""
	}
	if used, err := etcd.InUse(dataDir); err != nil || used {
		return nil, errors.Join(fmt.Errorf("%s is in use by an etcd: stop every member first", dataDir), err)
	}
	work, err := os.MkdirTemp(filepath.Dir(dataDir), ".restore-")
	if err != nil {
		return nil, fmt.Errorf("restore beside %s: %w", dataDir, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if contents, err = lookAtPrepared(ctx, prepared, filepath.Join(work, "look"), layout); err != nil {
		return nil, err
	}
	made := filepath.Join(work, "made")
	if err := etcd.UnpackMember(prepared, made, member); err != nil {
		return nil, err
	}
	if aside != "" {
		if err := os.Rename(dataDir, filepath.Join(filepath.Dir(dataDir), aside)); err != nil {
			return nil, fmt.Errorf("move the store that is there aside: %w", err)
		}
	}
	if err := os.Rename(made, dataDir); err != nil {
		return nil, fmt.Errorf("put the store in its place: %w", err)
	}
	return contents, nil
}

func lookAtPrepared(ctx context.Context, file, dir string, layout Layout) (contents *Contents, err error) {
	if err := etcd.Unpack(file, dir, 0); err != nil {
		return nil, err
	}
	err = opened(ctx, dir, func(client *clientv3.Client) error {
		renewed, err := storeidentity.Renewed(ctx, client, layout.Prefix, layout.Group)
		if err != nil {
			return err
		}
		if !renewed {
			return fmt.Errorf("%s is a snapshot as it was taken: make one for the members of it with etcd restore %s --prepare=FILE", file, file)
		}
		contents, err = look(ctx, client, layout)
		return err
	})
	return contents, err
}

func restoreMemberCommand(settings Settings) *cobra.Command {
	var dataDir string
	var moveAside bool
	var member etcd.Membership
	cmd := &cobra.Command{
		Use:   "restore-member PREPARED --name=NAME --initial-cluster=NAME=URL,... --data-dir=DIR",
		Short: "Make one member of an external etcd of a prepared snapshot",
		Long: `Make the data directory of one member of an external etcd of a snapshot that etcd restore --prepare has written, as etcdutl
snapshot restore does. Do it for every member, of the same file, while none of them runs. The flags are those of etcd.

Nothing is replaced: a data directory that is there is refused, unless --move-aside gives it another name beside the new one.`,
		Example: `  dittofs-apiserver etcd restore-member prepared.db --name=etcd-0 --data-dir=/var/lib/etcd/data \
    --initial-cluster=etcd-0=https://etcd-0:2380,etcd-1=https://etcd-1:2380,etcd-2=https://etcd-2:2380`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dataDir == "" || member.Name == "" || member.InitialCluster == "" {
				return errors.New("give --name, --initial-cluster and --data-dir: those of the member")
			}
			aside := ""
			if moveAside {
				aside = filepath.Base(dataDir) + ".before-" + time.Now().UTC().Format(timeFormat)
			}
			contents, err := RestoreMember(cmd.Context(), args[0], filepath.Clean(dataDir), aside, member, settings.Layout)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Restored %s as member %s into %s: %s.\nStart it when every member has the same.\n", args[0], member.Name, dataDir, contents)
			return err
		},
	}
	cmd.Flags().StringVar(&dataDir, "data-dir", "", "Data directory of the member, as etcd has it.")
	cmd.Flags().StringVar(&member.Name, "name", "", "Name of the member.")
	cmd.Flags().StringVar(&member.InitialCluster, "initial-cluster", "", "All members with the URLs by which they reach each other.")
	cmd.Flags().StringVar(&member.Token, "initial-cluster-token", "etcd-cluster", "Token of the cluster, the same for all.")
	cmd.Flags().BoolVar(&moveAside, "move-aside", false, "Rename a data directory that is there to NAME.before-TIME. Remove it when you are sure.")
	return cmd
}
