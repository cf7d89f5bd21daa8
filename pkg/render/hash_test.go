// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"testing"

	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

var signingKey = []byte("0123456789abcdef0123456789abcdef")

// The value is computed from the documented format by another program. If it changes, every installed server restarts.
func TestConfigHashIsStableAcrossReleases(t *testing.T) {
	got := render.ConfigHash(signingKey, []byte("a: 1\n"), map[render.SecretKey][]byte{
		{Name: "pg", Key: "password"}: []byte("x"),
		{Name: "pg", Key: "host"}:     []byte("db.example"),
	})
	const want = "5dcefe50d1221d8ad6c367bb038d65c19f3b270291e0d0e932c031fe3bb6ca39"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestConfigHashChangesExactlyWithItsContent(t *testing.T) {
	type contents = map[render.SecretKey][]byte
	type input struct {
		key, config string
		contents    contents
	}
	base := input{"key", "config", contents{{"s", "a"}: []byte("1"), {"s", "b"}: []byte("2")}}
	sum := func(in input) string { return render.ConfigHash([]byte(in.key), []byte(in.config), in.contents) }

	for _, tc := range []struct {
		name string
		in   input
		same bool
	}{
		{"the same content in another order of insertion has the same hash", input{"key", "config", contents{{"s", "b"}: []byte("2"), {"s", "a"}: []byte("1")}}, true},
		{"another key gives another hash", input{"kez", "config", base.contents}, false},
		{"another configuration gives another hash", input{"key", "configs", base.contents}, false},
		{"another value gives another hash", input{"key", "config", contents{{"s", "a"}: []byte("1"), {"s", "b"}: []byte("3")}}, false},
		{"another Secret with the same content gives another hash", input{"key", "config", contents{{"t", "a"}: []byte("1"), {"t", "b"}: []byte("2")}}, false},
		{"values that swap their keys give another hash", input{"key", "config", contents{{"s", "a"}: []byte("2"), {"s", "b"}: []byte("1")}}, false},
		{"a key that is gone gives another hash", input{"key", "config", contents{{"s", "a"}: []byte("1")}}, false},
		{"an empty value is not a missing one", input{"key", "config", contents{{"s", "a"}: []byte("1"), {"s", "b"}: []byte("2"), {"s", "c"}: nil}}, false},
		{"no byte moves from the name to the key unseen", input{"key", "config", contents{{"", "sa"}: []byte("1"), {"s", "b"}: []byte("2")}}, false},
		{"no byte moves from the key to the value unseen", input{"key", "config", contents{{"s", ""}: []byte("a1"), {"s", "b"}: []byte("2")}}, false},
		{"no byte moves from the configuration to a Secret unseen", input{"key", "confi", contents{{"gs", "a"}: []byte("1"), {"s", "b"}: []byte("2")}}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if same := sum(tc.in) == sum(base); same != tc.same {
				t.Errorf("same hash: %t, want %t", same, tc.same)
			}
		})
	}
}
