// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"errors"
	"net/http"
	"slices"

	"github.com/google/uuid"
)

func (x *exchange) showAdapter(a *adapterRow) map[string]any {
	out := map[string]any{
		"id": a.ID, "type": a.Type, "enabled": a.Enabled, "running": x.p.listeners[a.Type] != nil, "port": a.Port,
		"created_at": a.CreatedAt, "updated_at": a.UpdatedAt, "status": x.p.check(a.Type, x.around),
	}
	if a.Config != nil {
		out["config"] = a.Config
	}
	return out
}

func listAdapters(x *exchange) answer {
	out := []any{}
	for _, a := range x.db.adapters {
		out = append(out, x.showAdapter(a))
	}
	return ok(out)
}

func listPorts(x *exchange) answer {
	out := []any{}
	for _, a := range x.db.adapters {
		out = append(out, map[string]any{"type": a.Type, "port": a.Port, "enabled": a.Enabled, "running": x.p.listeners[a.Type] != nil})
	}
	return ok(out)
}

func getAdapter(x *exchange) answer {
	a := x.db.findAdapter(x.params["type"])
	if a == nil {
		return notFound("Adapter not found")
	}
	return ok(x.showAdapter(a))
}

func adapterStatus(x *exchange) answer {
	a := x.db.findAdapter(x.params["type"])
	if a == nil {
		return notFound("Adapter not found")
	}
	return ok(x.p.check(a.Type, x.around))
}

func createAdapter(x *exchange) answer {
	var req struct {
		Type   string         `json:"type"`
		Port   int            `json:"port"`
		Config map[string]any `json:"config"`
	}
	if refusal, ok := x.decode(&req); !ok {
		return refusal
	}
	if req.Type == "" {
		return badRequest("Adapter type is required")
	}
	if x.db.findAdapter(req.Type) != nil {
		return conflict("Adapter already exists")
	}
	if protocol(req.Type) == "" {
		return problem(http.StatusInternalServerError, "Failed to create adapter") // not a 400
	}
	// enabled: false is lost on the way into the database, as with users: the adapter is created enabled and started.
	now := x.p.now()
	a := &adapterRow{ID: uuid.NewString(), Type: req.Type, Enabled: true, Port: req.Port, Config: req.Config, CreatedAt: now, UpdatedAt: now}
	x.db.adapters = append(x.db.adapters, a)
	x.db.resetAdapterSettings(a.Type)
	if errors.Is(x.p.startAdapter(a), errPanic) {
		return panicked() // the row stays
	}
	shown := x.showAdapter(a)
	shown["running"] = false // this one answer does not look
	return created(shown)
}

func updateAdapter(x *exchange) answer {
	var req struct {
		Enabled *bool          `json:"enabled"`
		Port    *int           `json:"port"`
		Config  map[string]any `json:"config"`
	}
	if refusal, ok := x.decode(&req); !ok {
		return refusal
	}
	a := x.db.findAdapter(x.params["type"])
	if a == nil {
		return notFound("Adapter not found")
	}
	if req.Enabled != nil {
		a.Enabled = *req.Enabled
	}
	if req.Port != nil {
		a.Port = *req.Port
	}
	if req.Config != nil {
		a.Config = req.Config
	}
	a.UpdatedAt = x.p.now()

	running := x.p.listeners[a.Type]
	if running != nil && a.Enabled && running.port == resolvePort(a.Type, a.Port) {
		return ok(x.showAdapter(a)) // same address: the listener stays and a new config waits for a restart
	}
	delete(x.p.listeners, a.Type)
	if a.Enabled {
		if err := x.p.startAdapter(a); errors.Is(err, errPanic) {
			// An impossible port is stored before it panics, and panics again at every start.
			return panicked()
		}
	}
	return ok(x.showAdapter(a))
}

func deleteAdapter(x *exchange) answer {
	a := x.db.findAdapter(x.params["type"])
	if a == nil {
		return notFound("Adapter not found")
	}
	delete(x.p.listeners, a.Type)
	delete(x.p.reports, a.Type)
	x.db.adapters = slices.DeleteFunc(x.db.adapters, func(o *adapterRow) bool { return o == a })
	return noContent()
}
