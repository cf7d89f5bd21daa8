// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

func TestSignTokenHasTheShapeThatTheServerVerifies(t *testing.T) {
	secret := []byte(strings.Repeat("k", 32))
	now := time.Date(2026, 7, 24, 12, 0, 0, 0, time.UTC)
	signed, err := SignToken(secret, Claims{Username: "dittofs-controller:u1", Role: RoleAdmin, UID: "u1", TTL: time.Minute, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	verify := func(key []byte, at time.Time) (jwt.MapClaims, error) {
		claims := jwt.MapClaims{}
		_, err := jwt.ParseWithClaims(signed, claims, func(*jwt.Token) (any, error) { return key, nil },
			jwt.WithValidMethods([]string{"HS256"}), jwt.WithTimeFunc(func() time.Time { return at }), jwt.WithIssuedAt())
		return claims, err
	}

	got, err := verify(secret, now)
	if err != nil {
		t.Fatal(err)
	}
	want := jwt.MapClaims{
		"iss": "dittofs", "sub": "dittofs-controller:u1", "username": "dittofs-controller:u1", "uid": "u1",
		"role": "admin", "token_type": "access",
		"iat": float64(now.Unix() - 60), "exp": float64(now.Unix() + 60),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := verify(secret, now.Add(-50*time.Second)); err != nil {
		t.Errorf("a server whose clock is behind refuses it: %v", err)
	}
	if _, err := verify(secret, now.Add(61*time.Second)); err == nil {
		t.Error("it is accepted after its end")
	}
	if _, err := verify([]byte(strings.Repeat("x", 32)), now); err == nil {
		t.Error("it is accepted under another secret")
	}
}

func TestSignTokenRefuses(t *testing.T) {
	good := Claims{Username: "c", Role: RoleOperator, TTL: time.Minute, Now: time.Unix(1, 0)}
	tests := []struct {
		name   string
		secret int
		change func(*Claims)
	}{
		{"a secret that dfs would not start with", 31, func(*Claims) {}},
		{"a token without a name", 32, func(c *Claims) { c.Username = "" }},
		{"the role user, which would be the user of that name", 32, func(c *Claims) { c.Role = "user" }},
		{"no role", 32, func(c *Claims) { c.Role = "" }},
		{"a token that never ends", 32, func(c *Claims) { c.TTL = 0 }},
		{"a token beyond the longest life", 32, func(c *Claims) { c.TTL = MaxTokenTTL + 1 }},
		{"a token without a time", 32, func(c *Claims) { c.Now = time.Time{} }},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			c := good
			tc.change(&c)
			secret := strings.Repeat("s", tc.secret)
			signed, err := SignToken([]byte(secret), c)
			if err == nil || signed != "" {
				t.Fatalf("signed: %q", signed)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error contains the secret: %v", err)
			}
		})
	}
	if _, err := SignToken([]byte(strings.Repeat("s", 32)), good); err != nil {
		t.Error(err)
	}
}
