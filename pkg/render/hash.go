// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"slices"
	"strings"
)

// hashFormat opens the hashed message. It changes only together with the format, and then every server restarts once: do
// not touch either for anything less than a mistake that cannot be lived with.
const hashFormat = "dittofs.io/config-hash/v1"

// ConfigHash is the value of the annotation dittofs.io/config-hash: it changes when, and only when, something changes that
// dfs reads at its start. key is the JWT signing secret, config the bytes of config.yaml, contents the values of the Secret
// keys that were read (StartSecrets with Hashed; a missing optional key is left out of the map).
//
// It is an HMAC and not a bare hash because the role view may read annotations, and must not be given something to test
// guesses of a password against. The caller must not pass an empty key.
//
// Format: hex(HMAC-SHA-256(key, message)), where message is a sequence of fields, each an unsigned 64-bit big-endian length
// followed by so many bytes: the word dittofs.io/config-hash/v1, config, then for each Secret key, sorted by the name of the
// Secret and then by key: the name, the key, the value. The lengths make the message unambiguous: no byte can move from one
// field to the next unseen.
func ConfigHash(key, config []byte, contents map[SecretKey][]byte) string {
	mac := hmac.New(sha256.New, key)
	writeField(mac, []byte(hashFormat))
	writeField(mac, config)

	sorted := slices.SortedFunc(maps.Keys(contents), func(a, b SecretKey) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Key, b.Key)
	})
	for _, k := range sorted {
		writeField(mac, []byte(k.Name))
		writeField(mac, []byte(k.Key))
		writeField(mac, contents[k])
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// writeField cannot fail: a hash.Hash never returns an error from Write.
func writeField(h hash.Hash, field []byte) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(field)))
	h.Write(length[:])
	h.Write(field)
}
