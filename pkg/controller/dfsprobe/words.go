// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"strings"
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
