// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func entry(user, verb, resource, uri string, code int) string {
	return fmt.Sprintf(`{"verb":%q,"requestURI":%q,"user":{"username":%q},"objectRef":{"resource":%q},"responseStatus":{"code":%d}}`+"\n",
		verb, uri, user, resource, code)
}

func TestTheAuditLogIsCountedAcrossARotationAndInTheMiddleOfALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	add := func(text string) {
		t.Helper()
		file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	a := &auditLog{path: path, counts: map[request]int{}}
	patch := entry(ourUser, "patch", "services", "/api/v1/services/a?fieldManager=x", 201)
	expect := func(want int) {
		t.Helper()
		counts, err := a.read()
		if err != nil {
			t.Fatal(err)
		}
		if got := counts[request{verb: "patch", resource: "services"}]; got != want {
			t.Errorf("counted %d patches, want %d: %v", got, want, counts)
		}
	}
	expect(0)
	add(patch + entry("somebody", "patch", "services", "/", 200) + patch[:20])
	expect(1)
	add(patch[20:])
	expect(2)
	add(patch)
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	add(patch)
	expect(4)
}

func TestWhatCountsAsAWrite(t *testing.T) {
	for _, tc := range []struct {
		name string
		line string
		want bool
	}{
		{"an apply is one", entry(ourUser, "patch", "services", "/api/v1/services/a?fieldManager=x", 200), true},
		{"a trial is none", entry(ourUser, "patch", "services", "/api/v1/services/a?dryRun=All", 200), false},
		{"a review is none", entry(ourUser, "create", "subjectaccessreviews", "/", 201), false},
		{"a look is none", entry(ourUser, "get", "services", "/api/v1/services/a", 404), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := &auditLog{counts: map[request]int{}}
			if err := a.count([]byte(tc.line)); err != nil {
				t.Fatal(err)
			}
			if len(a.counts) != 1 {
				t.Fatalf("counted %v", a.counts)
			}
			if got := sum(a.counts, request.isWrite) == 1; got != tc.want {
				t.Errorf("is a write: %v", got)
			}
		})
	}
}
