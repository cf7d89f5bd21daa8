// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"maps"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// The controller has no account and no login: everything it does rests on these.
func TestWhichTokensAreAccepted(t *testing.T) {
	proves(t, "tokens signed with the JWT secret are accepted, forged ones refused: wrong secret, alg none, RS256, expired, future nbf, refresh (401), role user (403)")
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
		s.must(err)
		return token
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	s.must(err)
	hs := func(claims jwt.MapClaims) string { return sign(jwt.SigningMethodHS256, claims, []byte(jwtSecret)) }
	tests := []struct {
		name, token string
		is          func(error) bool
	}{
		{"of a user that does not exist", hs(good), nil},
		{"of an operator, for what an operator may", hs(with("role", "operator")), nil},
		{"of another secret", sign(jwt.SigningMethodHS256, good, []byte("x"+jwtSecret)), dfs.IsUnauthorized},
		{"of an empty secret", sign(jwt.SigningMethodHS256, good, []byte{}), dfs.IsUnauthorized},
		{"of no algorithm", sign(jwt.SigningMethodNone, good, jwt.UnsafeAllowNoneSignatureType), dfs.IsUnauthorized},
		{"of another kind of key", sign(jwt.SigningMethodRS256, good, rsaKey), dfs.IsUnauthorized},
		{"that says RS256 and is signed with HMAC", confused(t, good), dfs.IsUnauthorized},
		{"that expired", hs(with("exp", now.Add(-time.Second).Unix())), dfs.IsUnauthorized},
		{"that is not yet good", hs(with("nbf", now.Add(time.Minute).Unix())), dfs.IsUnauthorized},
		{"that is there to refresh", hs(with("token_type", "refresh")), dfs.IsUnauthorized},
		{"of no type", hs(with("token_type", "")), dfs.IsUnauthorized},
		{"of a user", hs(with("role", "user")), dfs.IsForbidden},
		{"of no role", hs(with("role", "")), dfs.IsForbidden},
		{"of somebody who must change the password", hs(with("must_change_password", true)), dfs.IsForbidden},
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
}

// confused has the header of one algorithm and the signature of another.
func confused(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	token.Header["alg"] = "RS256"
	text, err := token.SigningString()
	if err != nil {
		t.Fatal(err)
	}
	signature, err := jwt.SigningMethodHS256.Sign(text, []byte(jwtSecret))
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + token.EncodeSegment(signature)
}

func TestATokenWithTheRoleOfAUserIsThatUser(t *testing.T) {
	proves(t, "why role user is never offered: a token with the name of an existing user reads that user")
	s := newServer(t)
	s.start()
	s.ask("POST", "/users", map[string]any{"username": "alice", "password": "a password"})
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"username": "alice", "role": "user", "token_type": "access",
		"exp": time.Now().Add(time.Minute).Unix()}).SignedString([]byte(jwtSecret))
	s.must(err)
	if got := s.try("GET", "/api/v1/users/alice", token, nil); got.code != 200 || got.object["username"] != "alice" {
		t.Errorf("got %d %s", got.code, got.body)
	}
	if got := s.try("GET", "/api/v1/users/admin", token, nil); got.code != 403 {
		t.Errorf("of somebody else: %d %s", got.code, got.body)
	}
}

func TestAnotherJWTSecret(t *testing.T) {
	proves(t, "JWT rotation: RestartPending before the rollout, JWTSecretMismatch without one, accepted after it; the old token is a 401 then")
	s := newServer(t)
	s.start()
	c := newCluster(s)
	if o := c.probe(); o.Token != dfsprobe.TokenAccepted {
		t.Fatalf("at first: %+v", o)
	}
	old := s.admin()
	secret := render.JWTSecret(s.object)
	rotated := "another" + jwtSecret
	c.putSecret(secret.Name, map[string]string{secret.Key: rotated})

	if o := c.probe(); o.Token != dfsprobe.TokenAccepted {
		t.Errorf("the running process still takes the value that it started with: %+v", o)
	}
	c.restartController()
	if o := c.probe(); o.Token != dfsprobe.TokenRefused {
		t.Errorf("a controller that never knew the old value, and no rollout on its way: %+v", o)
	}
	// The controller gives the template another hash; the pod is yet to be replaced.
	c.rehash("hash-2")
	c.restartController()
	if o := c.probe(); o.Token != dfsprobe.TokenRestartPending {
		t.Errorf("with a rollout on its way: %+v", o)
	}
	s.stop()
	s.rotate(rotated)
	s.start()
	s.set.Spec.Template.Annotations = c.hashed("hash-2")
	c.replacePod("pod-uid-2")
	if o := c.probe(); o.Token != dfsprobe.TokenAccepted || o.Failure != "" {
		t.Errorf("after the rollout, on the old database: %+v", o)
	}
	if got := s.try("GET", "/api/v1/adapters", old, nil); got.code != 401 || got.contentType != "text/plain" {
		t.Errorf("a token of the old secret: %d %s %s", got.code, got.contentType, got.body)
	}
}

func TestAClockThatIsAheadIsTold(t *testing.T) {
	proves(t, "a server whose clock is ahead refuses tokens, and is told from one with another secret")
	s := newServer(t)
	s.start()
	c := newCluster(s)
	c.ahead = -10 * time.Minute
	if o := c.probe(); o.Token != dfsprobe.TokenClockSkew {
		t.Errorf("observed %+v", o)
	}
}
