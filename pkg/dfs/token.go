// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Role is what a token may do.
type Role string

// The roles that SignToken issues. dfs knows a third, user, which is left out on purpose: a token with that role and the
// name of an existing user is that user.
const (
	RoleAdmin    Role = "admin"
	RoleOperator Role = "operator" // lists adapters and ports, nothing else
)

const (
	// MinSecretBytes is the length below which dfs refuses to start.
	MinSecretBytes = 32

	// MaxTokenTTL bounds every token: dfs keeps no session, so nothing but its expiry or a new secret ends one.
	MaxTokenTTL = 15 * time.Minute

	// clockSkew backdates iat, so that a server whose clock is behind does not see a token from the future.
	clockSkew = time.Minute
)

// Claims is what a token says.
type Claims struct {
	// Username appears in the server's log. The user need not exist; do not pass the name of one that might.
	Username string
	Role     Role
	// UID is the user id of the token, any string. Empty is accepted by dfs.
	UID string
	// TTL is the life of the token from Now on. dfs compares exp with its own clock without leeway.
	TTL time.Duration
	Now time.Time
}

// dfsClaims is the shape that dfs issues and verifies: exp, and role, token_type and username for authorization. nbf is
// left out because a future one is refused; must_change_password is left out because it would block the token.
type dfsClaims struct {
	jwt.RegisteredClaims
	UID       string `json:"uid"`
	Username  string `json:"username"`
	Role      Role   `json:"role"`
	TokenType string `json:"token_type"`
}

// SignToken returns an access token that a server started with this JWT secret accepts, on an old database too and
// whatever became of its accounts. The secret is used byte for byte, as dfs uses its environment variable: a trailing
// newline counts.
func SignToken(secret []byte, c Claims) (string, error) {
	switch {
	case len(secret) < MinSecretBytes:
		return "", fmt.Errorf("dfs: the JWT secret has %d bytes; at least %d are needed", len(secret), MinSecretBytes)
	case c.Username == "":
		return "", errors.New("dfs: a token needs a username")
	case c.Role != RoleAdmin && c.Role != RoleOperator:
		return "", fmt.Errorf("dfs: no token is issued for role %q", c.Role)
	case c.Now.IsZero():
		return "", errors.New("dfs: a token needs the time of its issue")
	case c.TTL <= 0 || c.TTL > MaxTokenTTL:
		return "", fmt.Errorf("dfs: a token lives more than 0 and at most %s, not %s", MaxTokenTTL, c.TTL)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, dfsClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    "dittofs", // what dfs writes itself; it does not check it today
			Subject:   c.Username,
			IssuedAt:  jwt.NewNumericDate(c.Now.Add(-clockSkew)),
			ExpiresAt: jwt.NewNumericDate(c.Now.Add(c.TTL)),
		},
		UID:       c.UID,
		Username:  c.Username,
		Role:      c.Role,
		TokenType: "access",
	})
	signed, err := token.SignedString(secret)
	if err != nil {
		return "", fmt.Errorf("dfs: sign a token: %w", err)
	}
	return signed, nil
}
