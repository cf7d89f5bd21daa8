// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
)

// token is a continue token for what follows a name, of any version.
func token(version int64, name string) string {
	data, err := json.Marshal(object{"v": "meta.k8s.io/v1", "rv": version, "start": name + "\x00"})
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func continueOf(list object) string {
	text, _ := lookup(list, "metadata", "continue").(string)
	return text
}

// three makes a, b and c, and returns the version of the last.
func (s *session) three() string {
	s.t.Helper()
	s.make("a")
	s.make("b")
	return version(s.make("c"))
}

func listBehaviours() []behaviour {
	return []behaviour{
		{
			name: "a list is of the newest version",
			peer: configMap,
			run: func(s *session) {
				last := s.three()
				list := s.send("list", http.MethodGet, s.all())
				s.note("not older than the last write: %t", number(version(list.json)) >= number(last))
				s.send("of an empty namespace", http.MethodGet, s.kind.root+"/namespaces/missing/"+s.kind.resource)
			},
			want: []string{
				"list: 200 a list of a,b,c",
				"not older than the last write: true",
				"of an empty namespace: 200 a list of none",
			},
		},
		{
			name: "pages are of one version",
			peer: configMap,
			run: func(s *session) {
				s.three()
				first := s.send("first page", http.MethodGet, s.all(), query("limit", "2"))
				s.note("remaining: %v", lookup(first.json, "metadata", "remainingItemCount"))
				s.make("bb")
				last := s.send("last page", http.MethodGet, s.all(), query("limit", "2", "continue", continueOf(first.json)))
				s.note("of the same version: %t, more: %t", version(first.json) == version(last.json), continueOf(last.json) != "")
			},
			want: []string{
				"first page: 200 a list of a,b",
				"remaining: 1",
				"last page: 200 a list of c",
				"of the same version: true, more: false",
			},
		},
		{
			name: "a limit does not count what selectors leave out",
			peer: configMap,
			run: func(s *session) {
				for _, name := range []string{"a", "b", "c", "d"} {
					s.make(name, with(map[string]string{"a": "odd", "b": "even", "c": "odd", "d": "even"}[name], "metadata", "labels", "parity"))
				}
				page := s.send("first page", http.MethodGet, s.all(), query("limit", "1", "labelSelector", "parity=even"))
				s.note("remaining is told: %t", lookup(page.json, "metadata", "remainingItemCount") != nil)
				s.send("second page", http.MethodGet, s.all(), query("limit", "1", "labelSelector", "parity=even", "continue", continueOf(page.json)))
			},
			want: []string{
				"first page: 200 a list of b",
				"remaining is told: false",
				"second page: 200 a list of d",
			},
		},
		{
			name: "a limit of the cached version is not obeyed",
			peer: configMap,
			run: func(s *session) {
				last := s.three()
				s.do(http.MethodGet, s.all(), query("resourceVersion", last))
				list := s.send("list", http.MethodGet, s.all(), query("limit", "1", "resourceVersion", "0"))
				s.note("more: %t", continueOf(list.json) != "")
			},
			want: []string{
				"list: 200 a list of a,b,c",
				"more: false",
			},
		},
		{
			name: "a limit must be a number",
			peer: configMap,
			run: func(s *session) {
				s.three()
				s.send("a word", http.MethodGet, s.all(), query("limit", "many"))
				s.send("less than none", http.MethodGet, s.all(), query("limit", "-1"))
				s.send("none", http.MethodGet, s.all(), query("limit", "0"))
			},
			want: []string{
				"a word: 400 BadRequest",
				"less than none: 200 a list of a,b,c",
				"none: 200 a list of a,b,c",
			},
		},
		{
			name: "a continue token must be one of the server's",
			peer: configMap,
			run: func(s *session) {
				s.three()
				s.send("a word", http.MethodGet, s.all(), query("continue", "garbage"))
				s.send("of another version of tokens", http.MethodGet, s.all(), query("continue",
					base64.RawURLEncoding.EncodeToString([]byte(`{"v":"meta.k8s.io/v9","rv":5,"start":"a"}`))))
				s.send("that leads elsewhere", http.MethodGet, s.all(), query("continue", token(5, "../../x")))
				s.send("with a version beside", http.MethodGet, s.all(), query("continue", token(5, "a"), "resourceVersion", "5"))
			},
			want: []string{
				"a word: 400 BadRequest",
				"of another version of tokens: 400 BadRequest",
				"that leads elsewhere: 400 BadRequest",
				"with a version beside: 400 BadRequest",
			},
		},
		{
			name: "a token without a version goes on with the newest",
			peer: configMap,
			run: func(s *session) {
				s.three()
				s.send("what follows a", http.MethodGet, s.all(), query("continue", token(-1, "a")))
			},
			want: []string{"what follows a: 200 a list of b,c"},
		},
		{
			name:  "a token whose version is compacted has expired, and another is offered",
			peer:  configMap,
			alone: true,
			run: func(s *session) {
				s.three()
				s.compact()
				expired := s.send("list", http.MethodGet, s.all(), query("limit", "1", "continue", token(2, "a")))
				s.note("another token: %t", continueOf(expired.json) != "")
				s.send("with that one", http.MethodGet, s.all(), query("continue", continueOf(expired.json)))
				s.send("exactly the compacted version", http.MethodGet, s.all(), query("resourceVersion", "2", "resourceVersionMatch", "Exact"))
			},
			want: []string{
				"list: 410 Expired",
				"another token: true",
				"with that one: 200 a list of b,c",
				"exactly the compacted version: 410 Expired",
			},
		},
	}
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return -1
	}
	return value
}
