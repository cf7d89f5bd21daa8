// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestEveryReasonIsExplainedToWhoOperatesTheServer(t *testing.T) {
	source, err := os.ReadFile("reasons.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`= "([A-Z]\w+)"`).FindAllStringSubmatch(string(source), -1)
	if len(found) < 50 {
		t.Fatalf("only %d reasons were found", len(found))
	}
	for _, reason := range found {
		if !strings.Contains(string(page), "`"+reason[1]+"`") {
			t.Errorf("docs/operations.md does not explain %s", reason[1])
		}
	}
}
