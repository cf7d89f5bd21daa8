// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

func TestTokensAreJudgedAsDittoFSDoes(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	now := w.clock()
	sign := func(method jwt.SigningMethod, secret string, claims jwt.MapClaims) string {
		signed, err := jwt.NewWithClaims(method, claims).SignedString([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	claims := func(change func(jwt.MapClaims)) jwt.MapClaims {
		c := jwt.MapClaims{"username": "nobody", "role": "admin", "token_type": "access", "exp": now.Add(time.Minute).Unix()}
		change(c)
		return c
	}
	with := func(change func(jwt.MapClaims)) string {
		return sign(jwt.SigningMethodHS256, testSecret, claims(change))
	}
	none, err := jwt.NewWithClaims(jwt.SigningMethodNone, claims(func(jwt.MapClaims) {})).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		token string
		code  int
		text  string
	}{
		{"no token", "", 401, "Authorization header required\n"},
		{"not a token", "x", 401, "Invalid or expired token\n"},
		{"a token without signature", none, 401, "Invalid or expired token\n"},
		{"a forged token", sign(jwt.SigningMethodHS256, strings.ToUpper(testSecret), claims(func(jwt.MapClaims) {})), 401, "Invalid or expired token\n"},
		{"an expired token", with(func(c jwt.MapClaims) { c["exp"] = now.Add(-time.Second).Unix() }), 401, "Invalid or expired token\n"},
		{"a token from the future by nbf", with(func(c jwt.MapClaims) { c["nbf"] = now.Add(time.Minute).Unix() }), 401, "Invalid or expired token\n"},
		{"a refresh token", with(func(c jwt.MapClaims) { c["token_type"] = "refresh" }), 401, "Invalid or expired token\n"},
		{"a token of somebody who must change the password", with(func(c jwt.MapClaims) { c["must_change_password"] = true }), 403, "account \"nobody\" must set a new password before performing other operations; run 'dfsctl user change-password' (as \"nobody\") to set one\n"},
		{"the role user", with(func(c jwt.MapClaims) { c["role"] = "user" }), 403, "Insufficient permissions\n"},
		{"no role", with(func(c jwt.MapClaims) { delete(c, "role") }), 403, "Insufficient permissions\n"},
		{"the role operator", with(func(c jwt.MapClaims) { c["role"] = "operator" }), 200, ""},
		{"an admin who does not exist", with(func(jwt.MapClaims) {}), 200, ""},
		{"a token without end", with(func(c jwt.MapClaims) { delete(c, "exp") }), 200, ""},
		{"a token from the future by iat", with(func(c jwt.MapClaims) { c["iat"] = now.Add(time.Hour).Unix() }), 200, ""},
		{"another HMAC", sign(jwt.SigningMethodHS512, testSecret, claims(func(jwt.MapClaims) {})), 200, ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r := w.ask("GET", "/api/v1/adapters", tc.token, nil)
			if r.code != tc.code || tc.text != "" && r.body != tc.text {
				t.Errorf("%d %q", r.code, r.body)
			}
			if tc.code != 200 && r.contentType != "text/plain; charset=utf-8" {
				t.Errorf("content type %q", r.contentType)
			}
		})
	}
}

func TestRoles(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	operator := w.token(testSecret, dfs.RoleOperator)
	for path, code := range map[string]int{
		"/api/v1/adapters": 200, "/api/v1/adapters/ports": 200, "/api/v1/adapters/nfs": 403, "/api/v1/users": 403,
		"/api/v1/shares": 403, "/api/v1/settings/machine_sid": 403, "/api/v1/snapshot-policies": 403,
		"/api/v1/identity-providers": 403, "/api/v1/store/metadata": 403, "/api/v1/auth/me": 401,
	} {
		r := w.ask("GET", path, operator, nil)
		if r.code != code {
			t.Errorf("%s: %d, want %d", path, r.code, code)
		}
		if code == 403 && r.body != "Admin access required\n" {
			t.Errorf("%s: %q", path, r.body)
		}
	}
}

func TestRouting(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	tests := []struct {
		name, method, path string
		token              bool
		code               int
	}{
		{"the root leads to the health", "GET", "/", false, 307},
		{"the root without a slash too", "GET", "", false, 307},
		{"a slash too many is tolerated", "GET", "/health/ready/", false, 200},
		{"HEAD is not GET", "HEAD", "/health", false, 405},
		{"another method is refused", "POST", "/health", false, 405},
		{"removed endpoints are gone", "GET", "/health/stores", false, 404},
		{"there is no healthz", "GET", "/healthz", false, 404},
		{"an unknown route is open to all", "GET", "/api/v1/nothing", false, 404},
		{"an unknown route in a guarded part asks for a token first", "GET", "/api/v1/settings/a/b", false, 401},
		{"and is then unknown", "GET", "/api/v1/settings/a/b", true, 404},
		{"the old path of stores is unknown", "GET", "/api/v1/metadata-stores", true, 404},
		{"grace is never mounted", "GET", "/api/v1/grace", true, 404},
		{"what the stand-in lacks says so", "GET", "/api/v1/groups", true, 501},
		{"a method that a route lacks", "PATCH", "/api/v1/adapters", true, 405},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			token := ""
			if tc.token {
				token = w.admin()
			}
			if r := w.ask(tc.method, tc.path, token, nil); r.code != tc.code {
				t.Errorf("%d %q", r.code, r.body)
			}
		})
	}
}

func TestLogin(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	login := func(username, password string) response {
		return w.ask("POST", "/api/v1/auth/login", "", map[string]string{"username": username, "password": password})
	}
	if r := login("admin", ""); r.code != 400 || r.contentType != "application/problem+json" || r.object["detail"] != "Username and password are required" {
		t.Errorf("no password: %+v", r)
	}
	if r := login("admin", "wrong"); r.code != 401 || r.contentType != "application/problem+json" {
		t.Errorf("wrong password: %+v", r)
	}
	r := login("admin", testPassword)
	if r.code != 200 || r.object["token_type"] != "Bearer" || r.object["expires_in"] != 900.0 {
		t.Fatalf("%+v", r)
	}
	admin, _ := r.object["access_token"].(string)
	renewal, _ := r.object["refresh_token"].(string)
	if r := w.ask("GET", "/api/v1/auth/me", admin, nil); r.code != 200 || r.object["username"] != "admin" || r.object["must_change_password"] != false {
		t.Errorf("me: %+v", r)
	}

	t.Run("a new admin must change the password before anything else", func(t *testing.T) {
		if r := w.ask("POST", "/api/v1/users", admin, map[string]any{"username": "second", "password": "temporary1", "role": "admin"}); r.code != 201 {
			t.Fatalf("create: %+v", r)
		}
		token, _ := login("second", "temporary1").object["access_token"].(string)
		if r := w.ask("GET", "/api/v1/users", token, nil); r.code != 403 || !strings.Contains(r.body, "must set a new password") {
			t.Errorf("%+v", r)
		}
		if r := w.ask("GET", "/api/v1/auth/me", token, nil); r.code != 200 {
			t.Errorf("me: %+v", r)
		}
		r := w.ask("POST", "/api/v1/users/me/password", token, map[string]string{"new_password": "lasting-one"})
		if r.code != 200 {
			t.Fatalf("change: %+v", r)
		}
		token, _ = r.object["access_token"].(string)
		if r := w.ask("GET", "/api/v1/users", token, nil); r.code != 200 {
			t.Errorf("afterwards: %+v", r)
		}
	})
	t.Run("a user that is deleted keeps a working token and loses the refresh", func(t *testing.T) {
		w.ask("POST", "/api/v1/users", admin, map[string]any{"username": "gone", "password": "temporary1", "role": "operator"})
		r := login("gone", "temporary1")
		token, _ := r.object["access_token"].(string)
		renewal, _ := r.object["refresh_token"].(string)
		if r := w.ask("DELETE", "/api/v1/users/gone", admin, nil); r.code != 204 {
			t.Fatalf("delete: %+v", r)
		}
		if r := w.ask("GET", "/api/v1/adapters", token, nil); r.code != 200 {
			t.Errorf("the token: %+v", r)
		}
		if r := w.ask("POST", "/api/v1/auth/refresh", "", map[string]string{"refresh_token": renewal}); r.code != 401 || r.object["detail"] != "User not found" {
			t.Errorf("the refresh: %+v", r)
		}
	})
	t.Run("an access token ends after a quarter of an hour and a refresh renews it", func(t *testing.T) {
		w.advance(16 * time.Minute)
		if r := w.ask("GET", "/api/v1/users", admin, nil); r.code != 401 {
			t.Errorf("%+v", r)
		}
		if r := w.ask("POST", "/api/v1/auth/refresh", "", map[string]string{"refresh_token": renewal}); r.code != 200 {
			t.Errorf("%+v", r)
		}
	})
}

func TestUsers(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	tests := []struct {
		name, method, path string
		body               any
		code               int
		detail             string
	}{
		{"a short password is a server error", "POST", "/users", map[string]any{"username": "a", "password": "short"}, 500, "Failed to hash password"},
		{"an unknown role", "POST", "/users", map[string]any{"username": "a", "password": "long enough", "role": "king"}, 400, "Invalid role. Must be 'user', 'admin', or 'operator'"},
		{"an unknown group", "POST", "/users", map[string]any{"username": "a", "password": "long enough", "groups": []string{"x"}}, 400, "One or more specified groups do not exist"},
		{"a user who is to be disabled is created enabled", "POST", "/users", map[string]any{"username": "alice", "password": "long enough", "uid": 1000, "enabled": false}, 201, ""},
		{"a name twice", "POST", "/users", map[string]any{"username": "alice", "password": "long enough"}, 409, "User already exists"},
		{"a uid twice", "POST", "/users", map[string]any{"username": "bob", "password": "long enough", "uid": 1000}, 409, "User already exists"},
		{"a uid that another has, by update, is a server error", "PUT", "/users/alice", map[string]any{"uid": 0}, 500, "Failed to update user"},
		{"admin stays", "DELETE", "/users/admin", nil, 403, "Cannot delete admin user"},
		{"nobody cannot go", "DELETE", "/users/nobody", nil, 404, "User not found"},
		{"a body that is no JSON", "POST", "/users", "{", 400, "Invalid request body"},
		{"a body beyond the limit", "POST", "/users", `{"username":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "request body exceeds the 1 MiB limit"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r := w.ask(tc.method, "/api/v1"+tc.path, w.admin(), tc.body)
			if r.code != tc.code || tc.detail != "" && r.object["detail"] != tc.detail {
				t.Errorf("%d %s", r.code, r.body)
			}
			if tc.code >= 400 && r.contentType != "application/problem+json" {
				t.Errorf("content type %q", r.contentType)
			}
		})
	}
	if r := w.ask("GET", "/api/v1/users/alice", w.admin(), nil); r.object["enabled"] != true {
		t.Errorf("%+v", r.object)
	}
}

func TestAPortThatTheServerDoesNotListenOnIsSilent(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	for port, answers := range map[string]bool{"8080": true, "9090": false} {
		response, err := http.Get(w.url + "/" + testNamespace + "/" + testName + ":" + port + "/health")
		if err == nil {
			response.Body.Close()
		}
		if (err == nil) != answers {
			t.Errorf("port %s: %v, and it should answer: %t", port, err, answers)
		}
	}
}
