// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"testing"
	"time"

	"k8s.io/component-base/metrics/testutil"
)

func TestTheMetricFollowsACertificateThatComesFromElsewhere(t *testing.T) {
	RegisterMetrics()
	now := time.Now()
	authority, err := newAuthority("test", now)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := &Source{}
	shown := func() time.Time {
		t.Helper()
		value, err := testutil.GetGaugeMetricValue(expires.WithLabelValues("serving"))
		if err != nil {
			t.Fatal(err)
		}
		return time.Unix(int64(value), 0)
	}
	Observe(elsewhere)
	if got := shown(); got.Unix() != 0 {
		t.Errorf("without a certificate it says %s", got)
	}
	leaf, err := authority.newLeaf([]string{"localhost"}, now)
	if err != nil {
		t.Fatal(err)
	}
	if elsewhere.cert, elsewhere.key, err = leaf.encode(); err != nil {
		t.Fatal(err)
	}
	for _, listener := range elsewhere.listeners {
		listener.Enqueue()
	}
	if got := shown(); !got.Equal(leaf.certificate.NotAfter) {
		t.Errorf("it says %s, the certificate ends at %s", got, leaf.certificate.NotAfter)
	}
}
