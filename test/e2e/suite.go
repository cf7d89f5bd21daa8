// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	dittofsclient "github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned"
)

const architecture = runtime.GOARCH

// suite is one installation, from the first apply to the last delete. Each step does something to it and is followed by the
// same check.
type suite struct {
	*cluster
	// overlayName is the installation's, workload what runs our server in it.
	overlayName, workload string
	// server is the name of the DittoServer that the tenant applies.
	server  string
	dittofs dittofsclient.Interface
	// tenant is the kubeconfig of somebody with the rights of a tenant.
	tenant string
	writer *writer
	// verify finds every write that was acknowledged, and acknowledged names them, for each writer: the one above, if nobody
	// says otherwise.
	verify       func(context.Context) error
	acknowledged func() [][]string
	endWrites    func()
	// pods are those of the file servers as they were when they became ready.
	pods map[string]podState
	rows []row
	// followed are the parts of pages that were.
	followed map[string]bool
	// installed is the tag of the image in the manifests that were applied last.
	installed string
	// withBackup adds the component to the overlay. snapshot is the file that the backup made, kept the writes in it.
	withBackup bool
	snapshot   string
	kept       [][]string
}

type row struct {
	name, detail string
	took         time.Duration
	err          error
}

// step is a line of the table. detail says what was seen or measured.
type step struct {
	name string
	do   func(context.Context) (detail string, err error)
	// unchecked steps are those before there is something to check and after there is something left.
	unchecked bool
}

const stepTimeout = 6 * time.Minute

func run(ctx context.Context, out io.Writer, o options) error {
	c, err := startCluster(ctx, out, o)
	if c != nil {
		defer c.stop()
	}
	if err != nil {
		return err
	}
	if err := c.addNode(ctx); err != nil {
		return err
	}
	for _, run := range []struct {
		name string
		run  func(context.Context, *cluster) error
	}{{"quickstart", runQuickstart}, {"production", runProduction}} {
		if o.suite != "all" && o.suite != run.name {
			continue
		}
		if err := run.run(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", run.name, err)
		}
	}
	return nil
}

func newSuite(c *cluster, overlay, workload, server string) (*suite, error) {
	client, err := dittofsclient.NewForConfig(c.plane.AdminConfig())
	return &suite{cluster: c, overlayName: overlay, workload: workload, server: server, dittofs: client, pods: map[string]podState{}, followed: map[string]bool{}}, err
}

func runQuickstart(ctx context.Context, c *cluster) error {
	s, err := newSuite(c, "quickstart", "statefulset/"+serverName, "files")
	if err != nil {
		return err
	}
	s.verify = func(ctx context.Context) error { return s.writer.verify(ctx) }
	s.acknowledged = func() [][]string { return [][]string{s.writer.names()} }
	s.endWrites = func() { s.writer.end() }
	failed := s.walk(ctx, s.steps())
	s.print(c.out)
	return failed
}

// walk ends at the first failure: what comes after would only report it again.
func (s *suite) walk(ctx context.Context, steps []step) error {
	only := regexp.MustCompile(s.options.only)
	for _, step := range steps {
		if !step.unchecked && !only.MatchString(step.name) {
			continue
		}
		began := time.Now()
		stepCtx, cancel := context.WithTimeout(ctx, stepTimeout)
		detail, err := step.do(stepCtx)
		took := time.Since(began)
		if err == nil {
			err = s.allFollowed(step.name)
		}
		if err == nil && !step.unchecked {
			err = s.check(stepCtx)
		}
		cancel()
		s.rows = append(s.rows, row{name: step.name, detail: detail, took: took, err: err})
		fmt.Fprintf(s.out, "%6.1fs  %s: %s\n", time.Since(s.began).Seconds(), step.name, outcome(detail, err))
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", step.name, err), s.explain(context.WithoutCancel(ctx)))
		}
	}
	return nil
}

func outcome(detail string, err error) string {
	if err != nil {
		return "FAILED: " + err.Error()
	}
	return detail
}

func (s *suite) print(out io.Writer) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\n%s\tRESULT\tTOOK\tSEEN\n", strings.ToUpper(s.overlayName))
	for _, r := range s.rows {
		result := "ok"
		if r.err != nil {
			result = "FAILED"
		}
		fmt.Fprintf(table, "%s\t%s\t%.1fs\t%s\n", r.name, result, r.took.Seconds(), r.detail)
	}
	_ = table.Flush()
}

// explain collects what a failure may come from.
func (s *suite) explain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, args := range [][]string{
		{"get", "nodes,pods,pvc,pv,svc,statefulsets,deployments", "-A", "-o", "wide"},
		{"get", "events", "-A", "--sort-by=.lastTimestamp"},
		{"get", "apiservices", "v1alpha1.dittofs.io", "-o", "yaml"},
		{"-n", systemNamespace, "logs", "--tail=60", "--all-pods", s.workload},
		{"get", "dittoservers.dittofs.io", "-A", "-o", "yaml"},
	} {
		output, err := s.kubectl(ctx, args...)
		fmt.Fprintf(s.out, "\n--- kubectl %v %v\n%s", args, err, output)
	}
	return nil
}

// finalError is one that no waiting mends.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// eventually polls until check succeeds or ctx is over, and says at the end what was still missing.
func eventually(ctx context.Context, check func(context.Context) error) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check(ctx)
		var final finalError
		if err == nil || errors.As(err, &final) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, context.Cause(ctx))
		case <-tick.C:
		}
	}
}
