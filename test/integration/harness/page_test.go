// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import "testing"

func TestWhatAPageSaysIsLookedForInWhatIsPrinted(t *testing.T) {
	const output = "NAME    READY   AGE\nfiles   True    12s\nother   False   3m12s\n"
	for name, c := range map[string]struct {
		page string
		same bool
	}{
		"the same":                    {output, true},
		"other ages and spaces":       {"NAME READY AGE\nfiles  True  5m\n", true},
		"only one line":               {"other   False   1s\n", true},
		"anything in between":         {"files … #\n…\nother … 9s\n", true},
		"nothing":                     {"", true},
		"another value":               {"files   False   12s\n", false},
		"half a line":                 {"files   True\n", false},
		"another order":               {"other   False   1s\nfiles   True    1s\n", false},
		"a dot is no other character": {"f.les   True    12s\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := Printed(output, c.page); (err == nil) != c.same {
				t.Errorf("got %v", err)
			}
		})
	}
}
