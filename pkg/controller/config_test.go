// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

func TestEnabled(t *testing.T) {
	tests := []struct {
		name string
		list []string
		on   []string
	}{
		{"the star means all", []string{"*"}, []string{"dittoserver", "dfs-probe", "orphan-sweeper", "quota", "orphan-finder"}},
		{"a minus takes one away", []string{"*", "-orphan-sweeper"}, []string{"dittoserver", "dfs-probe", "quota", "orphan-finder"}},
		{"a name alone is the only one", []string{"dittoserver"}, []string{"dittoserver"}},
		{"a minus alone leaves none", []string{"-dfs-probe"}, nil},
		{"the empty list is none", []string{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var on []string
			for _, name := range KnownControllers() {
				if enabled(name, tt.list) {
					on = append(on, name)
				}
			}
			if got, want := strings.Join(on, " "), strings.Join(tt.on, " "); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	valid := Config{
		Loopback: &rest.Config{}, Sweeper: &rest.Config{}, Host: &rest.Config{}, Namespace: "ns", Identity: "me",
		LeaderElection: LeaderElectionConfig{Enabled: true},
	}
	tests := []struct {
		name   string
		change func(*Config)
		says   string
	}{
		{"a complete config is fine", func(*Config) {}, ""},
		{"without the sweeper its connection may be missing", func(c *Config) { c.Sweeper, c.Enabled = nil, []string{"*", "-orphan-sweeper"} }, ""},
		{"with it not", func(c *Config) { c.Sweeper = nil }, "orphan-sweeper"},
		{"a connection to the host is needed", func(c *Config) { c.Host = nil }, "host cluster"},
		{"an unknown controller is named", func(c *Config) { c.Enabled = []string{"*", "-nosuch"} }, `"-nosuch"`},
		{"a template without a scheme is refused", func(c *Config) { c.DFSURLTemplate = "gw:8080" }, "gw:8080"},
		{"leader election needs an identity", func(c *Config) { c.Identity = "" }, "identity"},
		{"a lease shorter than its renewal is refused", func(c *Config) { c.LeaderElection.LeaseDuration = 5 * time.Second }, "lease duration"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := valid
			tt.change(&c)
			err := c.Validate()
			if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWorkInFlightEndsBeforeTheLeaseDoes(t *testing.T) {
	c := Config{}.withDefaults()
	if d := c.graceful(); d <= 0 || d >= c.LeaderElection.LeaseDuration-c.LeaderElection.RenewDeadline {
		t.Errorf("the grace is %s", d)
	}
}
