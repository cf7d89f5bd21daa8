// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"net/http"
	"slices"

	"github.com/google/uuid"
)

func showUser(u *user) map[string]any {
	out := map[string]any{
		"id": u.ID, "username": u.Username, "role": u.Role, "enabled": u.Enabled,
		"must_change_password": u.MustChange, "created_at": u.CreatedAt,
	}
	if u.DisplayName != "" {
		out["display_name"] = u.DisplayName
	}
	if u.Email != "" {
		out["email"] = u.Email
	}
	if u.UID != nil {
		out["uid"] = *u.UID
	}
	if u.GID != nil {
		out["gid"] = *u.GID
	}
	if len(u.Groups) > 0 {
		out["groups"] = u.Groups
	}
	if u.LastLogin != nil {
		out["last_login"] = *u.LastLogin
	}
	return out
}

type userRequest struct {
	Username    string    `json:"username"`
	Password    string    `json:"password"`
	Email       *string   `json:"email"`
	DisplayName *string   `json:"display_name"`
	Role        *string   `json:"role"`
	UID         *uint32   `json:"uid"`
	GID         *uint32   `json:"gid"`
	Groups      *[]string `json:"groups"`
	Enabled     *bool     `json:"enabled"`
}

// apply copies what the request sets. A refusal leaves the user as it was.
func (x *exchange) apply(u *user, req userRequest) (answer, bool) {
	if req.Role != nil && *req.Role != "" && !slices.Contains([]string{"user", "admin", "operator"}, *req.Role) {
		return badRequest("Invalid role. Must be 'user', 'admin', or 'operator'"), false
	}
	if req.Groups != nil {
		for _, g := range *req.Groups {
			if !slices.Contains(x.db.groups, g) {
				return badRequest("One or more specified groups do not exist"), false
			}
		}
		u.Groups = slices.Clone(*req.Groups)
	}
	if req.Role != nil && *req.Role != "" {
		u.Role = *req.Role
	}
	if req.Email != nil {
		u.Email = *req.Email
	}
	if req.DisplayName != nil {
		u.DisplayName = *req.DisplayName
	}
	if req.UID != nil {
		u.UID = req.UID
	}
	if req.GID != nil {
		u.GID = req.GID
	}
	return answer{}, true
}

// uidTaken says whether another user has that uid: the column is unique.
func (x *exchange) uidTaken(uid *uint32, except *user) bool {
	return uid != nil && slices.ContainsFunc(x.db.users, func(u *user) bool { return u != except && u.UID != nil && *u.UID == *uid })
}

func createUser(x *exchange) answer {
	var req userRequest
	if refusal, ok := x.decode(&req); !ok {
		return refusal
	}
	if req.Username == "" {
		return badRequest("Username is required")
	}
	if req.Password == "" {
		return badRequest("Password is required")
	}
	hash, err := hashPassword(req.Password)
	if err != nil {
		return problem(http.StatusInternalServerError, "Failed to hash password") // not a 400
	}
	// enabled: false is lost on the way into the database: false is the zero value, and the column defaults to true.
	u := &user{ID: uuid.NewString(), Username: req.Username, Role: "user", Enabled: true, Hash: hash, CreatedAt: x.p.now()}
	if refusal, ok := x.apply(u, req); !ok {
		return refusal
	}
	u.MustChange = u.Role == "admin"
	if find(x.db.users, func(o *user) bool { return o.Username == u.Username }) != nil || x.uidTaken(u.UID, nil) {
		return conflict("User already exists")
	}
	x.db.users = append(x.db.users, u)
	return created(showUser(u))
}

func listUsers(x *exchange) answer {
	out := []any{}
	for _, u := range x.db.users {
		out = append(out, showUser(u))
	}
	return ok(out)
}

func getUser(x *exchange) answer {
	if x.claims.Role != "admin" && x.claims.Username != x.params["user"] {
		return problem(http.StatusForbidden, "Access denied")
	}
	u := x.db.findUser(x.params["user"])
	if u == nil {
		return notFound("User not found")
	}
	return ok(showUser(u))
}

func updateUser(x *exchange) answer {
	var req userRequest
	if refusal, ok := x.decode(&req); !ok {
		return refusal
	}
	u := x.db.findUser(x.params["user"])
	if u == nil {
		return notFound("User not found")
	}
	if x.uidTaken(req.UID, u) {
		return problem(http.StatusInternalServerError, "Failed to update user") // not a 409
	}
	if refusal, ok := x.apply(u, req); !ok {
		return refusal
	}
	if req.Enabled != nil {
		u.Enabled = *req.Enabled // admin included: nothing stops one from locking everybody out
	}
	return ok(showUser(u))
}

func deleteUser(x *exchange) answer {
	u := x.db.findUser(x.params["user"])
	switch {
	case u == nil:
		return notFound("User not found")
	case u.Username == "admin":
		return problem(http.StatusForbidden, "Cannot delete admin user")
	}
	x.db.users = slices.DeleteFunc(x.db.users, func(o *user) bool { return o == u })
	return noContent()
}

func resetPassword(x *exchange) answer {
	var req struct {
		NewPassword string `json:"new_password"`
	}
	if refusal, ok := x.decode(&req); !ok {
		return refusal
	}
	if req.NewPassword == "" {
		return badRequest("New password is required")
	}
	u := x.db.findUser(x.params["user"])
	if u == nil {
		return notFound("User not found")
	}
	hash, err := hashPassword(req.NewPassword)
	if err != nil {
		return problem(http.StatusInternalServerError, "Failed to hash password")
	}
	u.Hash, u.MustChange = hash, u.Role == "admin"
	return noContent()
}
