// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfstarget

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryClientAlertHasWords(t *testing.T) {
	for _, alert := range clientAlerts {
		if got := describeAlert(alert, TLS{ClientSecret: "c"}); !strings.Contains(got, "Secret c") {
			t.Errorf("%s: %s", alert, got)
		}
	}
	if got := describeAlert("protocol version not supported", TLS{}); !slices.Contains(strings.Fields(got), "TLS") {
		t.Error(got)
	}
}
