// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/dittofs/dittofs-apiserver/pkg/backup/bucket"
	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
)

// String is one line for people: what a store holds.
func (c *Contents) String() string {
	parts := []string{"no identity, so that no server has used it"}
	if c.Store.ID != "" {
		parts[0] = "store " + c.Store.ID
	}
	parts = append(parts, fmt.Sprintf("revision %d", c.Revision))
	for _, resource := range slices.Sorted(maps.Keys(c.Objects)) {
		parts = append(parts, fmt.Sprintf("%d %s", c.Objects[resource], resource))
	}
	return strings.Join(parts, ", ")
}

// report is the answer of etcd status -o json.
type report struct {
	Members []etcd.Member `json:"members,omitempty"`
	*Contents
}

func statusCommand(settings Settings) *cobra.Command {
	var of origin
	var service bucket.Options
	var output string
	cmd := &cobra.Command{
		Use:   "status [FILE | s3://BUCKET/KEY]",
		Short: "Show the store, or what a snapshot holds",
		Long:  "Show the members of the store, their room and alarms, and what it holds. Without a quorum: what the members that answer say, and an error. With a snapshot: verify it by restoring it, beside the file or in the directory for temporary files (TMPDIR), and show what it holds.",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			if output != "" && output != "json" {
				return fmt.Errorf("--output=%s: must be json, or left out", output)
			}
			if len(args) == 1 {
				return local(ctx, args[0], service, func(file string) error {
					return verifyFile(ctx, out, args[0], file, settings.Layout, output)
				})
			}
			return of.reach(ctx, func(client *clientv3.Client) error {
				members, err := etcd.Members(ctx, client)
				if errors.Is(err, etcd.ErrNoQuorum) {
					return errors.Join(write(out, output, report{members, nil}), err)
				}
				if err != nil {
					return err
				}
				contents, err := look(ctx, client, settings.Layout)
				if err != nil {
					return err
				}
				return write(out, output, report{members, contents})
			})
		},
	}
	of.addFlags(cmd.Flags(), settings)
	service.AddFlags(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", "", "json, or left out for a table.")
	return cmd
}

func verifyFile(ctx context.Context, out io.Writer, name, file string, layout Layout, output string) error {
	contents, err := Verify(ctx, file, filepath.Dir(file), layout)
	if err != nil {
		return err
	}
	if output == "" {
		_, err = fmt.Fprintf(out, "%s restores: %s.\n", name, contents)
		return err
	}
	return write(out, output, report{nil, contents})
}

func write(out io.Writer, output string, r report) error {
	if output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(table, "ENDPOINT\tVERSION\tLEADER\tSIZE\tIN USE\tQUOTA\tALARMS")
	for _, m := range r.Members {
		if m.Error != "" {
			_, _ = fmt.Fprintf(table, "%s\tdoes not answer: %s\n", m.Endpoint, m.Error)
			continue
		}
		leader, alarms := strconv.FormatBool(m.Leader), "none"
		switch {
		case r.Contents == nil:
			leader, alarms = "none", "unknown"
		case len(m.Alarms) > 0:
			alarms = strings.Join(m.Alarms, ",")
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", m.Endpoint, m.Version, leader, mebibytes(m.Size), mebibytes(m.InUse), mebibytes(m.Quota), alarms)
	}
	if err := table.Flush(); err != nil || r.Contents == nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\nIt holds: %s.\n", r.Contents)
	return err
}

func listCommand() *cobra.Command {
	var service bucket.Options
	cmd := &cobra.Command{
		Use:   "list (DIR | s3://BUCKET/PREFIX)",
		Short: "List the snapshots by schedule, oldest first",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			shelf, err := OpenShelf(args[0], "", service)
			if err != nil {
				return err
			}
			kept, err := (&Schedule{On: shelf}).kept(cmd.Context())
			if err != nil {
				return err
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 3, ' ', 0)
			_, _ = fmt.Fprintln(table, "TAKEN\tSIZE\tSNAPSHOT")
			for _, s := range kept {
				_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", s.taken.Format(time.RFC3339), mebibytes(s.Size), strings.TrimSuffix(args[0], "/")+"/"+s.Name)
			}
			return table.Flush()
		},
	}
	service.AddFlags(cmd.Flags())
	return cmd
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1fMi", float64(n)/(1<<20)) }

func defragCommand(settings Settings) *cobra.Command {
	var of origin
	var disarm bool
	cmd := &cobra.Command{
		Use:   "defrag",
		Short: "Give the free room in the database back, one member after another",
		Long: `Give the free room in the database of each member back to the file system, one after another and the leader last. A member
answers nothing meanwhile, so that the API of a server with the embedded etcd waits.

With --disarm, older revisions are forgotten first, and the alarm NOSPACE is taken away afterwards, if every member is below
90 % of its quota: until then etcd refuses writes, however much room there is, and an API server cannot compact.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			return of.use(ctx, func(client *clientv3.Client) error {
				if disarm {
					if err := etcd.Compact(ctx, client); err != nil {
						return err
					}
				}
				err := etcd.Defragment(ctx, client, func(before, after etcd.Member) {
					_, _ = fmt.Fprintf(out, "%s: %s before, %s now.\n", before.Endpoint, mebibytes(before.Size), mebibytes(after.Size))
				})
				if err != nil || !disarm {
					return err
				}
				n, err := etcd.DisarmNoSpace(ctx, client)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(out, "%d alarms NOSPACE disarmed.\n", n)
				return err
			})
		},
	}
	of.addFlags(cmd.Flags(), settings)
	cmd.Flags().BoolVar(&disarm, "disarm", false, "Compact before, and take the alarm NOSPACE away afterwards.")
	return cmd
}
