// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"

	"github.com/dittofs/dittofs-apiserver/pkg/controller"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/sweeper"
	"github.com/dittofs/dittofs-apiserver/pkg/dfstarget"
)

// controllersUserAgent ends the user agent of the controllers in the host cluster.
const controllersUserAgent = "dittofs-controllers"

// ControllerOptions shape the embedded controllers.
type ControllerOptions struct {
	// Enabled are the loops to run, in the manner of kube-controller-manager:
	// "*" for all, "name" to add, "-name" to leave out.
	Enabled []string
	// DFSURLTemplate is where the dfs API of a server is, with {namespace}, {name}
	// and {port}; empty means the IP of its pod.
	DFSURLTemplate string
	// SweepGrace is how long a DittoServer without its namespace is kept.
	SweepGrace time.Duration

	LeaderElect                               bool
	LeaseDuration, RenewDeadline, RetryPeriod time.Duration
}

func newControllerOptions() ControllerOptions {
	return ControllerOptions{
		Enabled:       []string{"*"},
		SweepGrace:    sweeper.DefaultGrace,
		LeaderElect:   true,
		LeaseDuration: 15 * time.Second,
		RenewDeadline: 10 * time.Second,
		RetryPeriod:   2 * time.Second,
	}
}

func (o *ControllerOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringSliceVar(&o.Enabled, "controllers", o.Enabled, fmt.Sprintf(
		"Controllers to run: '*' stands for all, 'foo' switches foo on, '-foo' off; '-*' runs none, for replicas that only serve the API. All controllers: %s.",
		strings.Join(controller.KnownControllers(), ", ")))
	flags.StringVar(&o.DFSURLTemplate, "dfs-url-template", o.DFSURLTemplate,
		"Where to reach the dfs API of a server, for a server outside of the cluster network, for example {scheme}://127.0.0.1:9000/{namespace}/{name} or https://{name}-api.{namespace}.example.com:{port}. Left out, the IP of the server's own pod is dialled, which nobody in the namespace can redirect.")
	flags.DurationVar(&o.SweepGrace, "orphan-sweep-grace", o.SweepGrace,
		"How long a DittoServer is kept whose namespace was deleted while this server was away, at least 1s. It is reported at once.")
	flags.BoolVar(&o.LeaderElect, "leader-elect", o.LeaderElect,
		"Run the controllers in one replica at a time, by a Lease in the host cluster. The API is served by all replicas.")
	flags.DurationVar(&o.LeaseDuration, "leader-elect-lease-duration", o.LeaseDuration,
		"How long other replicas wait before they take over from a leader that is silent.")
	flags.DurationVar(&o.RenewDeadline, "leader-elect-renew-deadline", o.RenewDeadline,
		"How long the leader tries to renew its lease before it stops its controllers. Less than the lease duration.")
	flags.DurationVar(&o.RetryPeriod, "leader-elect-retry-period", o.RetryPeriod,
		"How long to wait between two tries to get or renew the lease.")
}

func (o *ControllerOptions) validate() []error {
	var errs []error
	if err := controller.ValidateControllers(o.Enabled); err != nil {
		errs = append(errs, fmt.Errorf("--controllers: %w", err))
	}
	if err := dfstarget.ValidateURLTemplate(o.DFSURLTemplate); err != nil {
		errs = append(errs, fmt.Errorf("--dfs-url-template: %w", err))
	}
	if o.SweepGrace < time.Second {
		errs = append(errs, fmt.Errorf("--orphan-sweep-grace=%s: must be at least 1s", o.SweepGrace))
	}
	if jittered := time.Duration(leaderelection.JitterFactor * float64(o.RetryPeriod)); o.LeaderElect &&
		(o.RetryPeriod <= 0 || o.RenewDeadline <= jittered || o.LeaseDuration <= o.RenewDeadline) {
		errs = append(errs, fmt.Errorf("leader election needs %.1f x retry period (%s) < renew deadline (%s) < lease duration (%s)",
			leaderelection.JitterFactor, o.RetryPeriod, o.RenewDeadline, o.LeaseDuration))
	}
	return errs
}

// leaseHolder is unique, so that a restarted process is not taken for its predecessor.
func leaseHolder() string {
	hostname, err := os.Hostname()
	if err != nil {
		hostname = "unknown"
	}
	return hostname + "_" + uuid.NewString()
}

// runControllers blocks until ctx is done and everything in flight has ended.
func (s *Server) runControllers(ctx context.Context) error {
	options := s.options.Controllers
	// By a name of their own in the audit log of the host: the ServiceAccount is the API server's too, its role is not.
	host := rest.AddUserAgent(rest.CopyConfig(s.host.config), controllersUserAgent)
	return controller.Run(ctx, controller.Config{
		Loopback:  s.identities.controller.config(s.generic.LoopbackClientConfig),
		Sweeper:   s.identities.sweeper.config(s.generic.LoopbackClientConfig),
		Host:      host,
		Namespace: s.options.Host.Namespace,
		Identity:  leaseHolder(),
		LeaderElection: controller.LeaderElectionConfig{
			Enabled: options.LeaderElect, LeaseDuration: options.LeaseDuration,
			RenewDeadline: options.RenewDeadline, RetryPeriod: options.RetryPeriod,
		},
		DFSURLTemplate: options.DFSURLTemplate,
		SweepGrace:     options.SweepGrace,
		Enabled:        options.Enabled,
		ObserveOnly:    func() (bool, string) { return s.verdict.ObserveOnly, s.verdict.Reason },
	})
}
