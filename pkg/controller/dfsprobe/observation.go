// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package dfsprobe asks running DittoFS servers how they are, and keeps those parts of the spec in them that have no place
// in a configuration file: snapshot policies and identity providers. In go DittoServers, their pods and their Secrets; out
// comes one Observation per server, in a Store. It never writes to a cluster, never to a DittoFS server whose identity is in
// doubt, which is paused or while the store is only observed, and never trusts a Service or DNS for an address.
package dfsprobe

import (
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Token is what the dfs API says to the controller's tokens.
type Token string

const (
	// TokenUnknown means that it was not asked yet.
	TokenUnknown Token = ""
	// TokenAccepted means that the last authenticated call was answered.
	TokenAccepted Token = "Accepted"
	// TokenRefused means that no known JWT secret opens the API.
	TokenRefused Token = "Refused"
	// TokenRestartPending means the same, of a pod that is about to be replaced: it started with another secret.
	TokenRestartPending Token = "RestartPending"
	// TokenClockSkew means that the server's clock is so far ahead of ours that every token has expired.
	TokenClockSkew Token = "ClockSkew"
	// TokenUnsigned means that there is no usable JWT secret to sign with.
	TokenUnsigned Token = "Unsigned"
)

// Adapter is one protocol adapter of a server, switched on or not.
type Adapter struct {
	Type string
	// Serving says that it runs and is healthy.
	Serving bool
	// Detail says what dfs reports of an enabled adapter that does not serve.
	Detail string
	// Enabled says that it is switched on. One that is not has no business serving.
	Enabled bool
	// Port that it listens on in the pod.
	Port int32
	// PortmapperPort is the port, TCP and UDP, of the portmapper that comes with NFS; 0 while it is off.
	PortmapperPort int32
	// UDP says that NFS answers UDP on Port too.
	UDP bool
}

// Observation is what is known of the dfs process in one pod. The zero value means nothing at all.
type Observation struct {
	// Pod is the UID of the pod that was asked. What was seen of another pod says nothing about the current one.
	Pod types.UID
	// LastSuccess is when every call of a round was last answered.
	LastSuccess time.Time
	// FailingSince is when calls to the ready pod began to fail; zero while they succeed.
	FailingSince time.Time
	// Failure says how the last round failed; empty if it did not.
	Failure string
	// Reached says that /health has answered at least once.
	Reached bool
	// DatabaseReachable and Database are what /health last said of the control-plane database.
	DatabaseReachable bool
	Database          string
	// Token is what became of the last authenticated call, TokenDetail more about it.
	Token       Token
	TokenDetail string
	// Adapters are all adapters that the pod was last seen to have, switched off ones included. AdaptersKnown says that the
	// list is the answer of the last round that got this far; while it is false, whoever acts on adapters leaves all as it is.
	AdaptersKnown bool
	Adapters      []Adapter
	// MachineSID is the identity of the running process's database, empty until it was asked.
	MachineSID string
	// ContentStores are the directories of local block stores where a content volume is to be mounted that the pod was made
	// without. ContentKnown says that they were asked for; they are only while such a volume is to come.
	ContentKnown  bool
	ContentStores []string
	// LocalShares are the shares that have nothing but the content volume, as the last survey saw them. Nil until then.
	LocalShares []LocalShare
	// Policies are the results of spec.snapshotPolicies, and of policies that left it and could not be switched off yet. Nil
	// until they were first looked at, empty when there are none.
	Policies []PolicyResult
	// Providers are the problems with identity providers, by provider (ldap, kerberos): an empty text if it is as wanted.
	// One that the spec does not name and never did is not in it. Nil until they were first looked at.
	Providers map[string]string
	// Client is when the certificate is good that is shown to the API. Zero if none is, or it could not be read yet.
	Client ClientCertificate
}

// ClientCertificate tells of a certificate, and of nothing that is in it but its dates.
type ClientCertificate struct {
	Secret      string
	From, Until time.Time
}

// EnabledAdapters are the adapters that are switched on, and so ought to serve.
func (o Observation) EnabledAdapters() []Adapter {
	var out []Adapter
	for _, a := range o.Adapters {
		if a.Enabled {
			out = append(out, a)
		}
	}
	return out
}

// Same says that two observations lead to the same conclusions. The time of the last success counts only while calls
// fail: else every round would be news.
func (o Observation) Same(other Observation) bool {
	if o.FailingSince.IsZero() && other.FailingSince.IsZero() {
		o.LastSuccess, other.LastSuccess = time.Time{}, time.Time{}
	}
	return reflect.DeepEqual(o, other)
}
