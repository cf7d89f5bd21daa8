// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/uuid"
)

func (x *exchange) showStore(s *storeRow) map[string]any {
	status := report{Status: "healthy", CheckedAt: x.p.now().UTC()}
	out := map[string]any{"id": s.ID, "name": s.Name, "type": s.Type, "created_at": s.CreatedAt}
	if s.Kind != "" {
		out["kind"] = s.Kind
		// Only block stores have something to say when all is well.
		status.Message = map[string]string{"fs": "path accessible and writable", "memory": "in-memory store is always healthy"}[s.Type]
	}
	out["status"] = status
	if s.Config != nil {
		out["config"] = mask(s.Config)
	}
	return out
}

// mask hides the values that dfs hides, by the name of their key. access_key_id is not one of them.
func mask(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, child := range v {
			if l := strings.ToLower(k); strings.Contains(l, "secret") || strings.Contains(l, "password") || strings.HasSuffix(l, "_key") {
				out[k] = masked
			} else {
				out[k] = mask(child)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = mask(v[i])
		}
		return out
	}
	return v
}

// masked stands for a secret in answers; sent back, it keeps what is stored.
const masked = "********"

// storeRequest has its config as a document within a string. An object in its place makes the body invalid.
type storeRequest struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Config string `json:"config"`
}

func (x *exchange) decodeStore() (*storeRow, answer, bool) {
	var req storeRequest
	if refusal, ok := x.decode(&req); !ok {
		return nil, refusal, false
	}
	if req.Name == "" {
		return nil, badRequest("Store name is required"), false
	}
	if req.Type == "" {
		return nil, badRequest("Store type is required"), false
	}
	row := &storeRow{ID: uuid.NewString(), Name: req.Name, Type: req.Type, CreatedAt: x.p.now()}
	if req.Config != "" {
		if err := json.Unmarshal([]byte(req.Config), &row.Config); err != nil {
			return nil, badRequest("Invalid store config: not a JSON object"), false
		}
	}
	return row, answer{}, true
}

func (s *storeRow) lacks(keys ...string) string {
	for _, k := range keys {
		if v, _ := s.Config[k].(string); v == "" {
			return k
		}
	}
	return ""
}

func createMetadataStore(x *exchange) answer {
	row, refusal, ok := x.decodeStore()
	if !ok {
		return refusal
	}
	required := map[string][]string{"memory": {}, "badger": {"path"}, "sqlite": {"path"}, "postgres": {"host", "database", "user", "password"}}
	keys, known := required[row.Type]
	if !known {
		return badRequest("Failed to create metadata store: unknown metadata store type: %s", row.Type)
	}
	if key := row.lacks(keys...); key != "" {
		return badRequest("Failed to create metadata store: %s metadata store requires %s", row.Type, key)
	}
	for _, other := range x.db.metadata {
		// The store is opened before names are compared, and badger locks its directory: the same store again is a 400.
		if row.Type == "badger" && other.Type == "badger" && other.Config["path"] == row.Config["path"] {
			return badRequest("Failed to create metadata store: Cannot acquire directory lock")
		}
	}
	if find(x.db.metadata, func(o *storeRow) bool { return o.Name == row.Name }) != nil {
		return conflict("Metadata store already exists")
	}
	x.db.metadata = append(x.db.metadata, row)
	return created(x.showStore(row))
}

func listMetadataStores(x *exchange) answer {
	out := []any{}
	for _, s := range x.db.metadata {
		out = append(out, x.showStore(s))
	}
	return ok(out)
}

func getMetadataStore(x *exchange) answer {
	row := x.db.findMetadataStore(x.params["name"])
	if row == nil {
		return notFound("Metadata store not found")
	}
	return ok(x.showStore(row))
}

func deleteMetadataStore(x *exchange) answer {
	row := x.db.findMetadataStore(x.params["name"])
	if row == nil {
		return notFound("Metadata store not found")
	}
	if slices.ContainsFunc(x.db.shares, func(s *shareRow) bool { return s.MetadataStoreID == row.ID }) {
		return conflict("Cannot delete metadata store: it is in use by one or more shares")
	}
	x.db.metadata = slices.DeleteFunc(x.db.metadata, func(o *storeRow) bool { return o == row })
	return noContent()
}

func (x *exchange) blockKind() (string, answer, bool) {
	if kind := x.params["kind"]; kind == "local" || kind == "remote" {
		return kind, answer{}, true
	}
	return "", badRequest("Invalid block store kind: must be 'local' or 'remote'"), false
}

func createBlockStore(x *exchange) answer {
	kind, refusal, ok := x.blockKind()
	if !ok {
		return refusal
	}
	row, refusal, ok := x.decodeStore()
	if !ok {
		return refusal
	}
	row.Kind = kind
	required := map[string][]string{"local/fs": {"path"}, "local/memory": {}, "remote/memory": {}, "remote/s3": {"bucket", "access_key_id", "secret_access_key"}}
	keys, known := required[kind+"/"+row.Type]
	if !known {
		return badRequest("Store type '%s' is not valid for kind '%s'", row.Type, kind)
	}
	if key := row.lacks(keys...); key != "" {
		return badRequest("Invalid block store config: %s is required", key)
	}
	if find(x.db.blocks, func(o *storeRow) bool { return o.Kind == kind && o.Name == row.Name }) != nil {
		return conflict("Block store already exists")
	}
	x.db.blocks = append(x.db.blocks, row)
	return created(x.showStore(row))
}

func listBlockStores(x *exchange) answer {
	kind, refusal, valid := x.blockKind()
	if !valid {
		return refusal
	}
	out := []any{}
	for _, s := range x.db.blocks {
		if s.Kind == kind {
			out = append(out, x.showStore(s))
		}
	}
	return ok(out)
}

func getBlockStore(x *exchange) answer {
	kind, refusal, valid := x.blockKind()
	if !valid {
		return refusal
	}
	row := x.db.findBlockStore(kind, x.params["name"])
	if row == nil {
		return notFound("Block store not found")
	}
	return ok(x.showStore(row))
}

func deleteBlockStore(x *exchange) answer {
	kind, refusal, valid := x.blockKind()
	if !valid {
		return refusal
	}
	row := x.db.findBlockStore(kind, x.params["name"])
	if row == nil {
		return notFound("Block store not found")
	}
	if slices.ContainsFunc(x.db.shares, func(s *shareRow) bool { return s.LocalStoreID == row.ID || s.RemoteStoreID == row.ID }) {
		return conflict("Cannot delete block store: it is in use by one or more shares")
	}
	x.db.blocks = slices.DeleteFunc(x.db.blocks, func(o *storeRow) bool { return o == row })
	return noContent()
}
