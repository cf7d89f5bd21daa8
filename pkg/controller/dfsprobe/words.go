// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// sentence makes one of words that come from somewhere else.
func sentence(words string) string {
	first, size := utf8.DecodeRuneInString(words)
	if strings.HasPrefix(words, "dfs") || size == 0 {
		size, first = 0, 0
	}
	out := words
	if size > 0 {
		out = string(unicode.ToUpper(first)) + words[size:]
	}
	if !strings.HasSuffix(out, ".") {
		out += "."
	}
	return out
}

// day is a time that a person can compare with a certificate.
func day(t time.Time) string { return t.UTC().Format(time.RFC3339) }
