// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package controller runs the controllers inside the API server: it wins the lease, builds a manager over our API and the
// host cluster, starts the loops that are switched on, and begins anew whenever that ends.
// In go the connections and flags of Config; Run comes back when its context ends. It never ends or panics the process,
// and never lets two terms overlap.
package controller

import (
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/dfstarget"
)

// LeaseName is the Lease in the host cluster that only one replica's controllers hold.
const LeaseName = "dittofs-apiserver-controllers"

// Config is what the controllers need.
type Config struct {
	// Loopback reaches our own API under the controllers' identity: read DittoServers, write their status and finalizers.
	Loopback *rest.Config
	// Sweeper reaches our own API under the sweeper's identity, which may also delete DittoServers.
	Sweeper *rest.Config
	// Host reaches the host cluster.
	Host *rest.Config

	// Namespace holds the Lease, Identity is what this process calls itself in it.
	Namespace      string
	Identity       string
	LeaderElection LeaderElectionConfig

	// Enabled switches loops, as kube-controller-manager does: "*" for all, "name" for one, "-name" for not this one.
	// Nil means all.
	Enabled []string
	// DFSURLTemplate is the address of dfs APIs, with {namespace}, {name} and {port}. Empty: the pod's own address.
	DFSURLTemplate string

	// Peers are who this process is to a NetworkPolicy of the host cluster. Nil: the pods of Namespace, if this process is
	// one of them, else nobody.
	Peers []networkingv1.NetworkPolicyPeer

	// ObserveOnly says, with the reason, that nothing may be written for now. Nil: never.
	ObserveOnly func() (bool, string)

	// SweepGrace is how long a DittoServer without its namespace is kept. Zero: 5 minutes.
	SweepGrace time.Duration
	// ProbeInterval is the time between two looks at a dfs API that answers. Zero: 30 seconds.
	ProbeInterval time.Duration
}

// LeaderElectionConfig sets up the lease. Zero durations mean 15, 10 and 2 seconds.
type LeaderElectionConfig struct {
	// Enabled is false only where a second process is out of the question.
	Enabled       bool
	LeaseDuration time.Duration
	RenewDeadline time.Duration
	RetryPeriod   time.Duration
}

func (c Config) withDefaults() Config {
	setDefault(&c.LeaderElection.LeaseDuration, 15*time.Second)
	setDefault(&c.LeaderElection.RenewDeadline, 10*time.Second)
	setDefault(&c.LeaderElection.RetryPeriod, 2*time.Second)
	setDefault(&c.ProbeInterval, dfsprobe.DefaultInterval)
	if c.ObserveOnly == nil {
		c.ObserveOnly = func() (bool, string) { return false, "" }
	}
	if c.Enabled == nil {
		c.Enabled = []string{"*"}
	}
	if c.Peers == nil {
		c.Peers = peersInCluster(c.Namespace)
	}
	return c
}

// peersInCluster names the namespace that we run in by the label that the API server puts on every namespace, and not our
// pods: their labels are the business of the manifests.
func peersInCluster(namespace string) []networkingv1.NetworkPolicyPeer {
	if _, err := rest.InClusterConfig(); err != nil || namespace == "" {
		return nil
	}
	return []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{
		MatchLabels: map[string]string{corev1.LabelMetadataName: namespace},
	}}}
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// Validate says what is wrong with a Config.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	if c.Loopback == nil || c.Host == nil {
		errs = append(errs, errors.New("controllers need a connection to our API and one to the host cluster"))
	}
	if c.Sweeper == nil && enabled(loopSweeper, c.Enabled) {
		errs = append(errs, fmt.Errorf("the controller %s needs a connection of its own to our API", loopSweeper))
	}
	if le := c.LeaderElection; le.Enabled {
		if c.Namespace == "" || c.Identity == "" {
			errs = append(errs, errors.New("leader election needs a namespace and an identity"))
		}
		if le.RenewDeadline >= le.LeaseDuration || le.RetryPeriod <= 0 || float64(le.RetryPeriod)*jitterFactor >= float64(le.RenewDeadline) {
			errs = append(errs, fmt.Errorf("leader election: the lease duration (%s) must be longer than the renew deadline (%s), and that longer than %.1f retry periods (%s)",
				le.LeaseDuration, le.RenewDeadline, jitterFactor, le.RetryPeriod))
		}
	}
	errs = append(errs, ValidateControllers(c.Enabled), dfstarget.ValidateURLTemplate(c.DFSURLTemplate))
	return errors.Join(errs...)
}

// graceful is how long the reconciles in flight get to end. After a lost lease they must be over before anybody else
// can hold it, which is LeaseDuration-RenewDeadline away, less the RetryPeriod
// after which the renewal that failed began.
func (c Config) graceful() time.Duration {
	left := c.LeaderElection.LeaseDuration - c.LeaderElection.RenewDeadline - c.LeaderElection.RetryPeriod
	return max(left, c.LeaderElection.RetryPeriod/2) * 4 / 5
}

// anyEnabled says whether there is anything to run.
func (c Config) anyEnabled() bool {
	return slices.ContainsFunc(KnownControllers(), func(name string) bool { return enabled(name, c.Enabled) })
}
