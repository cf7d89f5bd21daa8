// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package supportbundle

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// minSecretBytes keeps words such as a user's name from being taken for a secret wherever they are.
const minSecretBytes = 8

var (
	scrubbed = []byte("[secret]")
	// patterns are what credentials look like wherever somebody has logged them.
	patterns = []*regexp.Regexp{
		regexp.MustCompile(`()eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`),
		regexp.MustCompile(`(?i)(bearer\s+)[A-Za-z0-9._~+/=-]{8,}`),
		regexp.MustCompile(`(?i)(\b(?:password|passwd|secret|token)"?[ \t]*[=:][ \t]*"?)[^\s"',;&]{4,}`),
		regexp.MustCompile(`(://[^/\s:@"]+:)[^/\s@"]+(@)`),
		regexp.MustCompile(`(?s)()-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----`),
	}
)

// scrubber takes known secrets out of text that others wrote: logs, events, messages.
type scrubber struct{ known [][]byte }

// learn remembers the value of a Secret, the forms in which it may be written down, and the password in a connection string.
func (s *scrubber) learn(value []byte) {
	text := strings.TrimSpace(string(value))
	s.add(string(value))
	s.add(text)
	if address, err := url.Parse(text); err == nil && address.User != nil {
		if password, ok := address.User.Password(); ok {
			s.add(password)
		}
	}
	for _, field := range strings.Fields(text) {
		if name, password, ok := strings.Cut(field, "="); ok && strings.EqualFold(name, "password") {
			s.add(strings.Trim(password, `'"`))
		}
	}
	// Of a key in a file each line is a secret.
	if lines := strings.Split(text, "\n"); len(lines) > 1 {
		for _, line := range lines {
			if line = strings.TrimSpace(line); len(line) >= 24 && !strings.HasPrefix(line, "-----") {
				s.add(line)
			}
		}
	}
}

func (s *scrubber) add(secret string) {
	if len(secret) < minSecretBytes {
		return
	}
	quoted, _ := json.Marshal(secret) // a string always can be
	for _, form := range []string{secret, strings.Trim(string(quoted), `"`), base64.StdEncoding.EncodeToString([]byte(secret)), url.QueryEscape(secret)} {
		s.known = append(s.known, []byte(form))
	}
}

// scrub returns the text without secrets. The longest go first: one may be a part of another.
func (s *scrubber) scrub(text []byte) []byte {
	slices.SortFunc(s.known, func(a, b []byte) int { return len(b) - len(a) })
	for _, secret := range s.known {
		text = bytes.ReplaceAll(text, secret, scrubbed)
	}
	for _, pattern := range patterns {
		text = pattern.ReplaceAll(text, []byte("${1}[secret]${2}"))
	}
	return text
}
