// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"cmp"
	"slices"
)

func listSettings(x *exchange) answer {
	rows := slices.SortedFunc(slices.Values(x.db.settings), func(a, b *settingRow) int { return cmp.Compare(a.Key, b.Key) })
	out := []any{}
	for _, s := range rows {
		out = append(out, map[string]any{"key": s.Key, "value": s.Value, "updated_at": s.UpdatedAt})
	}
	return ok(out)
}

// getSetting answers an empty value for a key that does not exist: the 404 that the handler of dfs knows never comes.
func getSetting(x *exchange) answer {
	return ok(map[string]any{"key": x.params["key"], "value": x.db.setting(x.params["key"])})
}

func putSetting(x *exchange) answer {
	var req struct {
		Value string `json:"value"`
	}
	if refusal, ok := x.decode(&req); !ok {
		return refusal
	}
	x.db.setSetting(x.params["key"], req.Value, x.p.now())
	return ok(map[string]any{"key": x.params["key"], "value": req.Value})
}

func deleteSetting(x *exchange) answer {
	x.db.deleteSetting(x.params["key"])
	return noContent()
}
