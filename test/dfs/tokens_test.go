// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

// The controller has no account and no login: everything it does rests on these.
func TestWhichTokensAreAccepted(t *testing.T) {
	s := newServer(t)
	s.start()
	if _, err := s.client().Adapters(t.Context()); err != nil {
		t.Fatalf("a token as the controller signs it: %v", err)
	}
	now := time.Now()
	good := jwt.MapClaims{"sub": "nobody", "username": "nobody", "role": "admin", "token_type": "access", "exp": now.Add(time.Minute).Unix()}
	with := func(key string, value any) jwt.MapClaims {
		out := maps.Clone(good)
		out[key] = value
		return out
	}
	sign := func(method jwt.SigningMethod, claims jwt.MapClaims, key any) string {
		token, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	tests := []struct {
		name, token string
		is          func(error) bool
	}{
		{"of a user that does not exist", sign(jwt.SigningMethodHS256, good, []byte(jwtSecret)), nil},
		{"of another secret", sign(jwt.SigningMethodHS256, good, []byte("x"+jwtSecret)), dfs.IsUnauthorized},
		{"of no algorithm", sign(jwt.SigningMethodNone, good, jwt.UnsafeAllowNoneSignatureType), dfs.IsUnauthorized},
		{"that expired", sign(jwt.SigningMethodHS256, with("exp", now.Add(-time.Second).Unix()), []byte(jwtSecret)), dfs.IsUnauthorized},
		{"that is not yet good", sign(jwt.SigningMethodHS256, with("nbf", now.Add(time.Minute).Unix()), []byte(jwtSecret)), dfs.IsUnauthorized},
		{"that is there to refresh", sign(jwt.SigningMethodHS256, with("token_type", "refresh"), []byte(jwtSecret)), dfs.IsUnauthorized},
		{"of an operator, for what an operator may", sign(jwt.SigningMethodHS256, with("role", "operator"), []byte(jwtSecret)), nil},
		{"of a user", sign(jwt.SigningMethodHS256, with("role", "user"), []byte(jwtSecret)), dfs.IsForbidden},
		{"that is none", "a.b.c", dfs.IsUnauthorized},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := s.clientWith(dfs.Options{Token: func(context.Context) (string, error) { return tt.token, nil }})
			_, err := c.Adapters(t.Context())
			if tt.is == nil && err != nil || tt.is != nil && !tt.is(err) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("after a restart with another secret only its own", func(t *testing.T) {
		old := s.client()
		token, err := dfs.SignToken([]byte(jwtSecret), dfs.Claims{Username: "x", Role: dfs.RoleAdmin, TTL: time.Minute, Now: time.Now()})
		s.must(err)
		s.stop()
		s.secret = "another" + jwtSecret
		s.start()
		former := s.clientWith(dfs.Options{Token: func(context.Context) (string, error) { return token, nil }})
		if _, err := former.Adapters(t.Context()); !dfs.IsUnauthorized(err) {
			t.Errorf("with the former secret: %v", err)
		}
		if _, err := old.Adapters(t.Context()); err != nil {
			t.Errorf("with the new one, on the old database: %v", err)
		}
	})
}
