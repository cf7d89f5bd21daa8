// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"testing"

	"github.com/anishathalye/porcupine"
)

// at is an operation between two moments.
func at(call, ret int64, o operation) porcupine.Operation {
	return porcupine.Operation{ClientId: int(call), Call: call, Return: ret, Output: o}
}

func TestTheModelTellsAnOrderThatIsPossibleFromOneThatIsNot(t *testing.T) {
	const ever = math.MaxInt64
	created := at(1, 2, operation{kind: create, value: "a", outcome: done})
	tests := []struct {
		name    string
		history []porcupine.Operation
		want    bool
	}{
		{"written and read", []porcupine.Operation{created, at(3, 4, operation{kind: write, value: "b", outcome: done}), at(5, 6, operation{kind: read, got: "b", outcome: done})}, true},
		{"a write that was acknowledged is lost", []porcupine.Operation{created, at(3, 4, operation{kind: write, value: "b", outcome: done}), at(5, 6, operation{kind: read, got: "a", outcome: done})}, false},
		{"a read beside the write may be old", []porcupine.Operation{created, at(3, 6, operation{kind: write, value: "b", outcome: done}), at(4, 5, operation{kind: read, got: "a", outcome: done})}, true},
		{"reads do not go back", []porcupine.Operation{created, at(3, 9, operation{kind: write, value: "b", outcome: done}), at(4, 5, operation{kind: read, got: "b", outcome: done}), at(6, 7, operation{kind: read, got: "a", outcome: done})}, false},
		{"an object that was created is gone", []porcupine.Operation{created, at(3, 4, operation{kind: read, outcome: absent})}, false},
		{"it is created twice", []porcupine.Operation{created, at(3, 4, operation{kind: create, value: "b", outcome: done})}, false},
		{"it comes back after its delete", []porcupine.Operation{created, at(3, 4, operation{kind: remove, outcome: done}), at(5, 6, operation{kind: read, got: "a", outcome: done})}, false},
		{"two replace the same version", []porcupine.Operation{created, at(3, 6, operation{kind: replace, expected: "a", value: "b", outcome: done}), at(4, 5, operation{kind: replace, expected: "a", value: "c", outcome: done})}, false},
		{"one of two replaces it", []porcupine.Operation{created, at(3, 6, operation{kind: replace, expected: "a", value: "b", outcome: done}), at(4, 5, operation{kind: replace, expected: "a", value: "c", outcome: conflict})}, true},
		{"a conflict where nothing has changed", []porcupine.Operation{created, at(3, 4, operation{kind: replace, expected: "a", value: "c", outcome: conflict})}, false},
		{"a write without an answer was carried out", []porcupine.Operation{created, at(3, ever, operation{kind: write, value: "b", outcome: unknown}), at(5, 6, operation{kind: read, got: "b", outcome: done})}, true},
		{"or it was not", []porcupine.Operation{created, at(3, ever, operation{kind: write, value: "b", outcome: unknown}), at(5, 6, operation{kind: read, got: "a", outcome: done})}, true},
		{"or later, but not twice", []porcupine.Operation{created, at(3, ever, operation{kind: write, value: "b", outcome: unknown}), at(5, 6, operation{kind: read, got: "b", outcome: done}),
			at(7, 8, operation{kind: write, value: "c", outcome: done}), at(9, 10, operation{kind: read, got: "b", outcome: done})}, false},
		{"a create without an answer was refused", []porcupine.Operation{created, at(3, ever, operation{kind: create, value: "b", outcome: unknown}), at(5, 6, operation{kind: read, got: "a", outcome: done})}, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if got := porcupine.CheckOperations(model, tc.history); got != tc.want {
				t.Errorf("the checker says %t", got)
			}
		})
	}
}
