// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import "testing"

func TestSizesAreReadAsDFSWritesThem(t *testing.T) {
	for text, want := range map[string]int64{
		"10Mi": 10 << 20, "2.00GiB": 2 << 30, "1.50KiB": 1536, "500MB": 500e6, "1024": 1024, "7B": 7, "1T": 1e12, "3tib": 3 << 40,
	} {
		if got, ok := ParseSize(text); !ok || got != want {
			t.Errorf("%s is %d, %t; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "much", "-1", "1PiB", "9000000000TiB"} {
		if got, ok := ParseSize(text); ok {
			t.Errorf("%q is %d", text, got)
		}
	}
}
