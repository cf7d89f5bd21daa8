// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"errors"
	"net/http"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/bcrypt"
)

func login(x *exchange) answer {
	var req struct{ Username, Password string }
	if refusal, ok := x.decode(&req); !ok {
		return refusal
	}
	if req.Username == "" || req.Password == "" {
		return badRequest("Username and password are required")
	}
	if x.around.databaseDown {
		return problem(http.StatusInternalServerError, "Authentication failed")
	}
	u := find(x.db.users, func(u *user) bool { return u.Username == req.Username })
	if u == nil {
		return problem(http.StatusUnauthorized, "Invalid username or password")
	}
	if !u.Enabled {
		return problem(http.StatusForbidden, "User account is disabled")
	}
	if bcrypt.CompareHashAndPassword(u.Hash, []byte(req.Password)) != nil {
		return problem(http.StatusUnauthorized, "Invalid username or password")
	}
	now := x.p.now()
	u.LastLogin = &now
	return x.loginAnswer(u)
}

func refresh(x *exchange) answer {
	var req struct {
		RefreshToken string `json:"refresh_token"`
	}
	if refusal, ok := x.decode(&req); !ok {
		return refusal
	}
	if req.RefreshToken == "" {
		return badRequest("Refresh token is required")
	}
	claims, err := x.p.verify(req.RefreshToken)
	if errors.Is(err, jwt.ErrTokenExpired) {
		return problem(http.StatusUnauthorized, "Refresh token has expired")
	}
	if err != nil || claims.TokenType != "refresh" {
		return problem(http.StatusUnauthorized, "Invalid refresh token")
	}
	u := x.db.findUser(claims.Username)
	if u == nil {
		return problem(http.StatusUnauthorized, "User not found")
	}
	if !u.Enabled {
		return problem(http.StatusForbidden, "User account is disabled")
	}
	return x.loginAnswer(u)
}

func me(x *exchange) answer {
	u := x.db.findUser(x.claims.Username)
	if u == nil {
		return problem(http.StatusUnauthorized, "User not found")
	}
	return ok(showUser(u))
}

func changeOwnPassword(x *exchange) answer {
	var req struct {
		CurrentPassword string `json:"current_password"`
		NewPassword     string `json:"new_password"`
	}
	if refusal, ok := x.decode(&req); !ok {
		return refusal
	}
	if req.NewPassword == "" {
		return badRequest("New password is required")
	}
	u := x.db.findUser(x.claims.Username)
	if u == nil {
		return problem(http.StatusUnauthorized, "User not found")
	}
	if !u.MustChange { // while a change is forced, the old password is not asked for
		if req.CurrentPassword == "" {
			return badRequest("Current password is required")
		}
		if bcrypt.CompareHashAndPassword(u.Hash, []byte(req.CurrentPassword)) != nil {
			return problem(http.StatusUnauthorized, "Current password is incorrect")
		}
	}
	hash, err := hashPassword(req.NewPassword)
	if err != nil {
		return problem(http.StatusInternalServerError, "Failed to hash password")
	}
	u.Hash, u.MustChange = hash, false
	return x.loginAnswer(u)
}
