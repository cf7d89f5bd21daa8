// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// tokenClaims is the shape of the tokens of dfs. Of a token it was handed, dfs believes all of it.
type tokenClaims struct {
	jwt.RegisteredClaims
	UserID     string   `json:"uid"`
	Username   string   `json:"username"`
	Role       string   `json:"role"`
	Groups     []string `json:"groups,omitempty"`
	TokenType  string   `json:"token_type"`
	MustChange bool     `json:"must_change_password,omitempty"`
}

// authorize applies the middleware of dfs in its order: token, forced password change, role.
func (x *exchange) authorize(need access) (answer, bool) {
	if need == public {
		return answer{}, true
	}
	kind, token, ok := strings.Cut(x.r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(kind, "Bearer") {
		return plain(http.StatusUnauthorized, "Authorization header required"), false
	}
	claims, err := x.p.verify(token)
	if err != nil || claims.TokenType != "access" {
		return plain(http.StatusUnauthorized, "Invalid or expired token"), false
	}
	x.claims = claims
	if need == anyToken {
		return answer{}, true
	}
	if claims.MustChange {
		return plain(http.StatusForbidden, fmt.Sprintf("account %q must set a new password before performing other operations; "+
			"run 'dfsctl user change-password' (as %q) to set one", claims.Username, claims.Username)), false
	}
	switch {
	case need == admins && claims.Role != "admin":
		return plain(http.StatusForbidden, "Admin access required"), false
	case need == operators && claims.Role != "admin" && claims.Role != "operator":
		return plain(http.StatusForbidden, "Insufficient permissions"), false
	}
	return answer{}, true
}

// verify checks what dfs checks: an HMAC under its secret, and exp and nbf where there are any, without leeway. A token
// without exp lives for ever, and whether the user exists is not asked.
func (p *process) verify(token string) (*tokenClaims, error) {
	claims := &tokenClaims{}
	_, err := jwt.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		if _, ok := t.Method.(*jwt.SigningMethodHMAC); !ok {
			return nil, errors.New("unexpected signing method")
		}
		return p.secret, nil
	}, jwt.WithTimeFunc(p.now))
	return claims, err
}

// loginAnswer is what login, refresh and a change of one's password answer.
func (x *exchange) loginAnswer(u *user) answer {
	access, expires, err := x.p.issue(u, "access", x.p.cfg.duration("controlplane.jwt.access_token_duration"))
	if err != nil {
		return problem(http.StatusInternalServerError, "Failed to generate token")
	}
	renewal, _, err := x.p.issue(u, "refresh", x.p.cfg.duration("controlplane.jwt.refresh_token_duration"))
	if err != nil {
		return problem(http.StatusInternalServerError, "Failed to generate token")
	}
	return ok(map[string]any{
		"access_token":  access,
		"refresh_token": renewal,
		"token_type":    "Bearer",
		"expires_in":    int64(x.p.cfg.duration("controlplane.jwt.access_token_duration").Seconds()),
		"expires_at":    expires,
		"user":          showUser(u),
	})
}

func (p *process) issue(u *user, tokenType string, life time.Duration) (string, time.Time, error) {
	now := p.now()
	expires := now.Add(life)
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, tokenClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: "dittofs", Subject: u.Username,
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		UserID: u.ID, Username: u.Username, Role: u.Role, Groups: u.Groups, TokenType: tokenType, MustChange: u.MustChange,
	}).SignedString(p.secret)
	return signed, expires, err
}
