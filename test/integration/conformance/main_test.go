// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package conformance_test asks our API and a kind of Kubernetes the same things, both through kube-apiserver, and
// wants the same answers: status, reason, message, shape. Behaviours are a table; a difference that is meant stands in
// it with its reason. docs/api/conformance.md is written from the table. Nobody but the test changes its objects.
package conformance_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var cluster *harness.Cluster

func TestMain(m *testing.M) {
	// Most of the time is spent waiting for answers that come late by design. -parallel still wins.
	if err := flag.Set("test.parallel", "6"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	harness.Run(m, harness.Options{
		WithoutControllers: true, ServerArgs: []string{harness.WithoutControllers()},
	}, &cluster)
}

// behaviour is one thing that clients of Kubernetes rely on.
type behaviour struct {
	name string
	// peer is the kind of Kubernetes that ours is held against.
	peer *kind
	// run makes the requests; what it records is the answer.
	run func(*session)
	// want is what the peer answers, and ours.
	want []string
	// differs is nil unless ours is meant to answer otherwise.
	differs *difference
	// alone is for what would disturb the others. It runs after them.
	alone bool
}

// difference is an answer of ours that is not that of the peer.
type difference struct {
	ours []string
	why  string
}

type area struct {
	name       string
	behaviours []behaviour
}

// areas is the table.
func areas() []area {
	return []area{
		{"Create, read, update", objectBehaviours()},
		{"Names and metadata", metadataBehaviours()},
		{"Delete", deleteBehaviours()},
		{"Finalizers and propagation", finalizerBehaviours()},
		{"Lists", listBehaviours()},
		{"Resource versions", versionBehaviours()},
		{"Selectors", selectorBehaviours()},
		{"Watch", watchBehaviours()},
		{"Delete a collection", collectionBehaviours()},
		{"Dry run", dryRunBehaviours()},
		{"Patches", patchBehaviours()},
		{"Server-side apply", applyBehaviours()},
		{"Managed fields", managedFieldsBehaviours()},
		{"Field validation", validationBehaviours()},
		{"Tables and metadata only", tableBehaviours()},
		{"Encodings", encodingBehaviours()},
		{"Status and scale", subresourceBehaviours()},
		{"Requests that make no sense", requestBehaviours()},
	}
}

func TestConformance(t *testing.T) {
	for _, alone := range []bool{false, true} {
		// Returns when all of its parallel tests have.
		t.Run(map[bool]string{false: "together", true: "alone"}[alone], func(t *testing.T) {
			for _, area := range areas() {
				for _, b := range area.behaviours {
					if b.alone != alone {
						continue
					}
					t.Run(area.name+"/"+b.name, func(t *testing.T) {
						if !alone {
							t.Parallel()
						}
						b.check(t)
					})
				}
			}
		})
	}
}

func (b behaviour) check(t *testing.T) {
	theirs, ours := newSession(t, b.peer), newSession(t, dittoServer)
	b.run(theirs)
	b.run(ours)
	if !slices.Equal(theirs.lines, b.want) {
		t.Errorf("a %s answers\n%s\nthe table says\n%s", b.peer.name, indent(theirs.lines), indent(b.want))
	}
	if b.differs != nil {
		if !slices.Equal(ours.lines, b.differs.ours) {
			t.Errorf("a DittoServer answers\n%s\nthe difference in the table is\n%s", indent(ours.lines), indent(b.differs.ours))
		}
		return
	}
	if !slices.Equal(ours.lines, theirs.lines) {
		t.Errorf("a DittoServer answers\n%s\na %s\n%s", indent(ours.lines), b.peer.name, indent(theirs.lines))
	}
	if !slices.Equal(ours.shapes, theirs.shapes) {
		t.Errorf("the answers have not the same shape: a DittoServer\n%s\na %s\n%s", indent(ours.shapes), b.peer.name, indent(theirs.shapes))
	}
}

func indent(lines []string) string { return "\t" + strings.Join(lines, "\n\t") }
