// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package dfsprobe asks running DittoFS servers how they are: their health and their protocol adapters.
// In go DittoServers, their pods and their JWT secrets; out comes one Observation per server, in a Store.
// It never writes to a cluster or to a DittoFS server, and never trusts a Service or DNS for an address.
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

// Adapter is one enabled protocol adapter of a server.
type Adapter struct {
	Type string
	// Serving says that it runs and is healthy.
	Serving bool
	// Detail says what dfs reports of an adapter that does not serve.
	Detail string
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
	// Adapters are the enabled adapters, once AdaptersKnown.
	AdaptersKnown bool
	Adapters      []Adapter
}

// Same says that two observations lead to the same conclusions. The time of the last success counts only while calls
// fail: else every round would be news.
func (o Observation) Same(other Observation) bool {
	if o.FailingSince.IsZero() && other.FailingSince.IsZero() {
		o.LastSuccess, other.LastSuccess = time.Time{}, time.Time{}
	}
	return reflect.DeepEqual(o, other)
}
