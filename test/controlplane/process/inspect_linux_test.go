// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package process

import "testing"

func TestParseStat(t *testing.T) {
	const tail = " 1 10 10 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1000 100"
	tests := map[string]struct {
		line    string
		want    observed
		wantErr bool
	}{
		"a plain command":                        {line: "10 (etcd) S" + tail, want: observed{started: "987654"}},
		"a command with blanks and parentheses":  {line: "10 (a) b (c) S" + tail, want: observed{started: "987654"}},
		"a process that nobody reaped":           {line: "10 (etcd) Z" + tail, want: observed{started: "987654", zombie: true}},
		"a line that is cut off is not believed": {line: "10 (etcd) S 1 2", wantErr: true},
		"an empty line":                          {line: "", wantErr: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parseStat(tc.line)
			if (err != nil) != tc.wantErr || got != tc.want {
				t.Fatalf("got %+v, %v, want %+v, error %t", got, err, tc.want, tc.wantErr)
			}
		})
	}
}
