// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

type shareRow struct {
	ID, Name                                     string
	MetadataStoreID, LocalStoreID, RemoteStoreID string
	ReadOnly                                     bool
	DefaultPermission, RetentionPolicy           string
	LocalStoreSize, QuotaBytes                   byteSize
	CreatedAt, UpdatedAt                         time.Time
}

func (x *exchange) showShare(s *shareRow) map[string]any {
	status := report{Status: "healthy", CheckedAt: x.p.now().UTC()}
	if strings.Contains(s.Name, ":") {
		// Accepted by the API, and then the share cannot be loaded: the 201 says so in its status only.
		status.Status, status.Message = "unknown", "share not found: "+s.Name
	}
	out := map[string]any{
		"id": s.ID, "name": s.Name, "metadata_store_id": s.MetadataStoreID, "local_block_store_id": s.LocalStoreID,
		"remote_block_store_id": nil, "read_only": s.ReadOnly, "enabled": true, "encrypt_data": false,
		"default_permission": s.DefaultPermission, "retention_policy": s.RetentionPolicy,
		"used_bytes": 0, "physical_bytes": 0, "usage_percent": 0,
		"acl_flag_inherited_canonicalization": true, "access_based_enumeration": false, "change_notify_disabled": false,
		"streams_disabled": false, "continuous_availability": false, "allow_mfsymlink": false,
		"trash_enabled": false, "trash_retention_days": 0, "trash_restrict_to_admin": false, "trash_max_bytes": 0,
		"created_at": s.CreatedAt, "updated_at": s.UpdatedAt, "status": status,
	}
	if s.RemoteStoreID != "" {
		out["remote_block_store_id"] = s.RemoteStoreID
	}
	if s.LocalStoreSize > 0 {
		out["local_store_size"] = s.LocalStoreSize.String()
	}
	if s.QuotaBytes > 0 {
		out["quota_bytes"] = s.QuotaBytes.String()
	}
	return out
}

func createShare(x *exchange) answer {
	var req struct {
		Name              string `json:"name"`
		MetadataStoreID   string `json:"metadata_store_id"`
		LocalBlockStore   string `json:"local_block_store"` // an update calls it local_block_store_id
		RemoteBlockStore  string `json:"remote_block_store"`
		ReadOnly          bool   `json:"read_only"`
		DefaultPermission string `json:"default_permission"`
		RetentionPolicy   string `json:"retention_policy"`
		LocalStoreSize    string `json:"local_store_size"` // sizes are strings; a number makes the body invalid
		QuotaBytes        string `json:"quota_bytes"`
	}
	if refusal, ok := x.decode(&req); !ok {
		return refusal
	}
	switch {
	case req.Name == "":
		return badRequest("Share name is required")
	case req.MetadataStoreID == "":
		return badRequest("Metadata store ID is required")
	case req.LocalBlockStore == "":
		return badRequest("Local block store is required")
	}
	meta := x.db.findMetadataStore(req.MetadataStoreID)
	if meta == nil {
		return badRequest("Metadata store not found: %s", req.MetadataStoreID)
	}
	local := x.db.findBlockStore("local", req.LocalBlockStore)
	if local == nil {
		return badRequest("Local block store not found: %s", req.LocalBlockStore)
	}
	now := x.p.now()
	s := &shareRow{ID: uuid.NewString(), Name: normalizeShare(req.Name), MetadataStoreID: meta.ID, LocalStoreID: local.ID,
		ReadOnly: req.ReadOnly, DefaultPermission: "none", RetentionPolicy: "lru",
		CreatedAt: now, UpdatedAt: now}
	if req.RemoteBlockStore != "" {
		remote := x.db.findBlockStore("remote", req.RemoteBlockStore)
		if remote == nil {
			return badRequest("Remote block store not found: %s", req.RemoteBlockStore)
		}
		s.RemoteStoreID = remote.ID
	}
	if p := req.DefaultPermission; p != "" {
		if !slices.Contains([]string{"none", "read", "read-write", "admin"}, p) {
			return badRequest("Invalid default_permission: %s (want none|read|read-write|admin)", p)
		}
		s.DefaultPermission = p
	}
	if p := req.RetentionPolicy; p != "" {
		if !slices.Contains([]string{"pin", "ttl", "lru"}, p) {
			return badRequest("invalid retention policy %q", p)
		}
		s.RetentionPolicy = p
	}
	var err error
	if s.LocalStoreSize, err = parseByteSize(req.LocalStoreSize); err != nil {
		return badRequest("Invalid local_store_size: %v", err)
	}
	if s.QuotaBytes, err = parseByteSize(req.QuotaBytes); err != nil {
		return badRequest("Invalid quota_bytes: %v", err)
	}
	if find(x.db.shares, func(o *shareRow) bool { return o.Name == s.Name }) != nil {
		return conflict("Share already exists")
	}
	x.db.shares = append(x.db.shares, s)
	return created(x.showShare(s))
}

func listShares(x *exchange) answer {
	out := []any{}
	for _, s := range x.db.shares {
		out = append(out, x.showShare(s))
	}
	return ok(out)
}

func getShare(x *exchange) answer {
	s := x.db.findShare(x.share())
	if s == nil {
		s = x.db.findShare(x.params["share"])
	}
	if s == nil {
		return notFound("Share not found")
	}
	return ok(x.showShare(s))
}

func deleteShare(x *exchange) answer {
	s := x.db.findShare(x.share())
	if s == nil {
		return notFound("Share not found")
	}
	x.db.shares = slices.DeleteFunc(x.db.shares, func(o *shareRow) bool { return o == s })
	x.db.policies = slices.DeleteFunc(x.db.policies, func(p *policyRow) bool { return p.Share == s.Name })
	return noContent()
}
