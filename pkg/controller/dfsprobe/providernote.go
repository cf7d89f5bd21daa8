// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// noteKey is a setting in the server's own database. What is written there goes where the identity providers go: to a
// restored volume, to another control plane. Nothing on our side lives that long.
const noteKey = "dittofs-apiserver.identity-providers"

// notes are what we did to the identity providers of a server.
type notes map[string]note

// note says of one provider that it is ours.
type note struct {
	// Secret tells one password from another without telling either: the server shows none.
	Secret string `json:"secret,omitempty"`
	// ChangedUnder is when the process started that was given something which it does not follow.
	ChangedUnder string `json:"changedUnder,omitempty"`
}

// parseNotes reads what somebody may have overwritten. Then nothing is ours.
func parseNotes(text string) notes {
	out := notes{}
	if text == "" || json.Unmarshal([]byte(text), &out) != nil {
		return notes{}
	}
	return out
}

func (n notes) text() (string, error) {
	if len(n) == 0 {
		return "", nil
	}
	text, err := json.Marshal(n)
	if err != nil {
		return "", fmt.Errorf("note: %w", err)
	}
	return string(text), nil
}

// with and without leave the notes as they are: what could not be written is not so.
func (n notes) with(provider string, one note) notes {
	out := maps.Clone(n)
	if out == nil {
		out = notes{}
	}
	out[provider] = one
	return out
}

func (n notes) without(provider string) notes {
	out := maps.Clone(n)
	delete(out, provider)
	return out
}

// sealed is what is noted of a password. The key keeps readers of the note from trying passwords out.
func sealed(key []byte, provider, password string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("dittofs-apiserver/" + provider + "\x00" + password))
	return hex.EncodeToString(mac.Sum(nil))
}

func startText(started time.Time) string {
	if started.IsZero() {
		return ""
	}
	return started.UTC().Format(time.RFC3339)
}
