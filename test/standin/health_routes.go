// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"slices"
	"time"
)

// health is always a 200: with a dead database only the words change, so that no kubelet restarts the server for it.
func health(x *exchange) answer {
	up := x.p.now().Sub(x.p.started)
	db := x.p.databaseStatus(x.around)
	status := "healthy"
	if db == "unreachable" {
		status = "degraded"
	}
	return ok(map[string]any{
		"status":    status,
		"timestamp": x.p.now().UTC(),
		"data": map[string]any{
			"service":          "dittofs",
			"started_at":       x.p.started.UTC().Format(time.RFC3339),
			"uptime":           up.Round(time.Second).String(),
			"uptime_sec":       int64(up.Seconds()),
			"control_plane_db": db,
		},
	})
}

// ready counts and checks nothing. The order of the types is random in dfs; here it is one that nobody should rely on.
func ready(x *exchange) answer {
	types := []string{}
	for t := range x.p.listeners {
		types = append(types, t)
	}
	slices.Sort(types)
	slices.Reverse(types)
	data := map[string]any{
		"shares":          len(x.db.shares),
		"metadata_stores": len(x.db.metadata),
		"adapters":        map[string]any{"running": len(types), "types": types},
	}
	if x.p.listeners["nfs"] != nil {
		data["grace_period"] = map[string]any{"active": false, "remaining_seconds": 0, "expected_clients": 0, "reclaimed_clients": 0}
	}
	return ok(map[string]any{"status": "healthy", "timestamp": x.p.now().UTC(), "data": data})
}
