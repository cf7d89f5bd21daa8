// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"math/big"

	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

const (
	jwtBytes       = 32 // 43 characters of base64url; dfs wants at least 32
	passwordLength = 24 // about 142 bits
	passwordRunes  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

func newJWTSecret() (map[string][]byte, error) {
	raw := make([]byte, jwtBytes)
	if _, err := rand.Read(raw); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	return map[string][]byte{render.JWTSecretKey: []byte(base64.RawURLEncoding.EncodeToString(raw))}, nil
}

func newAdminSecret() (map[string][]byte, error) {
	password := make([]byte, passwordLength)
	for i := range password {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(passwordRunes))))
		if err != nil {
			return nil, fmt.Errorf("read random bytes: %w", err)
		}
		password[i] = passwordRunes[n.Int64()]
	}
	return map[string][]byte{
		// dfs accepts no other name for its first account.
		render.AdminUsernameKey: []byte("admin"),
		render.AdminPasswordKey: password,
	}, nil
}
