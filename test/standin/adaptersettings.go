// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
)

// field is one setting of an adapter: its default gives the type; numbers have a range, words a list.
type field struct {
	name    string
	initial any // float64, bool, string or []any, as JSON decodes them
	min     float64
	max     float64
	words   []string
	inherit bool // the empty word is accepted too, and stands for no setting
	unsaved bool // accepted and never written
	stays   bool // unknown to a reset of one setting
}

func settingFields(adapterType string) []field {
	number := func(name string, initial, lowest, highest float64) field {
		return field{name: name, initial: initial, min: lowest, max: highest}
	}
	forget := func(f field) field { f.unsaved = true; return f }
	inherit := func(f field) field { f.inherit = true; return f }
	stay := func(f field) field { f.stays = true; return f }
	flag := func(name string, initial bool) field { return field{name: name, initial: initial} }
	word := func(name, initial string, words ...string) field {
		return field{name: name, initial: initial, words: words}
	}
	list := func(name string) field { return field{name: name, initial: []any{}} }

	switch adapterType {
	case "nfs":
		return []field{
			word("min_version", "3", "3", "4.0", "4.1"), word("max_version", "4.1", "3", "4.0", "4.1"),
			number("lease_time", 90, 10, 3600), number("grace_period", 90, 10, 3600),
			number("delegation_recall_timeout", 90, 10, 600),
			number("callback_timeout", 5, 1, 60), number("lease_break_timeout", 35, 5, 120),
			number("max_connections", 0, 0, 100000), number("max_clients", 10000, 1, 1000000),
			number("max_compound_ops", 50, 4, 1000),
			number("max_read_size", 1<<20, 4096, 16<<20), number("max_write_size", 1<<20, 4096, 16<<20),
			number("preferred_transfer_size", 1<<20, 4096, 16<<20),
			flag("delegations_enabled", true), number("max_delegations", 10000, 0, 1000000),
			number("dir_deleg_batch_window_ms", 50, 0, 5000),
			forget(number("v4_min_minor_version", 0, 0, 2)), forget(number("v4_max_minor_version", 2, 0, 2)),
			forget(number("v4_max_connections_per_session", 16, 0, 1024)),
			list("blocked_operations"),
			flag("portmapper_enabled", false), number("portmapper_port", 10111, 1, 65535),
			flag("portmapper_register_with_system", false),
			stay(flag("udp_enabled", false)), flag("mdns_enabled", false),
		}
	case "smb":
		dialects := []string{"SMB2.0", "SMB2.1", "SMB3.0", "SMB3.0.2", "SMB3.1.1"}
		return []field{
			word("min_dialect", "SMB2.0", dialects...), word("max_dialect", "SMB3.1.1", dialects...),
			number("session_timeout", 900, 60, 86400), number("oplock_break_timeout", 35, 5, 120),
			number("max_connections", 0, 0, 100000), number("max_sessions", 10000, 1, 1000000),
			flag("enable_encryption", false), inherit(word("signing", "", "disabled", "enabled", "required")),
			flag("directory_leasing_enabled", true), list("blocked_operations"),
			flag("mdns_enabled", false), flag("wsdiscovery_enabled", false),
		}
	}
	return nil
}

// parse decodes the value of a request; a value of another type makes the whole body invalid.
func (f field) parse(raw json.RawMessage) (any, error) {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	switch f.initial.(type) {
	case float64:
		if n, ok := v.(float64); ok && n == math.Trunc(n) {
			return n, nil
		}
	case bool:
		if b, ok := v.(bool); ok {
			return b, nil
		}
	case string:
		if s, ok := v.(string); ok {
			return s, nil
		}
	default:
		if l, ok := v.([]any); ok {
			return l, nil
		}
	}
	return nil, fmt.Errorf("%s has another type", f.name)
}

// empty is what a field of a full replacement becomes when the request leaves it out.
func (f field) empty() any {
	switch f.initial.(type) {
	case float64:
		return float64(0)
	case bool:
		return false
	case string:
		return ""
	}
	return []any{}
}

func (f field) check(v any) string {
	switch v := v.(type) {
	case float64:
		if v < f.min || v > f.max {
			return fmt.Sprintf("must be between %d and %d", int64(f.min), int64(f.max))
		}
	case string:
		switch {
		case slices.Contains(f.words, v) || f.inherit && v == "":
		case f.inherit:
			return fmt.Sprintf("must be empty (inherit) or one of: %v", f.words)
		default:
			return fmt.Sprintf("must be one of: %v", f.words)
		}
	}
	return ""
}

func (d *database) adapterSettings(adapterType string) *map[string]any {
	if adapterType == "nfs" {
		return &d.nfs
	}
	return &d.smb
}

func (d *database) resetAdapterSettings(adapterType string) {
	*d.adapterSettings(adapterType) = initialSettings(adapterType)
	d.settingsVersion[adapterType] = 1
}

func initialSettings(adapterType string) map[string]any {
	out := map[string]any{}
	for _, f := range settingFields(adapterType) {
		out[f.name] = f.initial
	}
	return out
}

// showSettings adds the version, which grows with every change.
func (d *database) showSettings(adapterType string, values map[string]any) answer {
	out := maps.Clone(values)
	out["version"] = d.settingsVersion[adapterType]
	return ok(out)
}

// settingsTarget is the adapter that a settings route names.
func (x *exchange) settingsTarget() (string, answer, bool) {
	a := x.db.findAdapter(x.params["type"])
	if a == nil {
		return "", notFound("Adapter not found"), false
	}
	return a.Type, answer{}, true
}

func getAdapterSettings(x *exchange) answer {
	t, refusal, ok := x.settingsTarget()
	if !ok {
		return refusal
	}
	return x.db.showSettings(t, *x.db.adapterSettings(t))
}

func patchAdapterSettings(x *exchange) answer { return x.changeSettings(false) }
func putAdapterSettings(x *exchange) answer   { return x.changeSettings(true) }

// changeSettings merges or replaces. A full replacement zeroes what it leaves out, which most ranges then refuse.
func (x *exchange) changeSettings(replace bool) answer {
	t, refusal, ok := x.settingsTarget()
	if !ok {
		return refusal
	}
	var req map[string]json.RawMessage
	if refusal, ok := x.decode(&req); !ok {
		return refusal
	}
	current := *x.db.adapterSettings(t)
	next, errs := maps.Clone(current), map[string]string{}
	for _, f := range settingFields(t) {
		raw, given := req[f.name]
		switch {
		case given && string(raw) != "null":
			v, err := f.parse(raw)
			if err != nil {
				return badRequest("Invalid request body")
			}
			next[f.name] = v
		case replace:
			next[f.name] = f.empty()
		}
		if message := f.check(next[f.name]); message != "" {
			errs[f.name] = message
		}
	}
	query := x.r.URL.Query()
	if len(errs) > 0 && query.Get("force") != "true" {
		return asJSON(http.StatusUnprocessableEntity, "application/problem+json", map[string]any{
			"type": "about:blank", "title": "Validation Failed", "status": http.StatusUnprocessableEntity,
			"detail": "One or more settings are outside valid range", "errors": errs,
		})
	}
	if query.Get("dry_run") == "true" {
		return x.db.showSettings(t, next)
	}
	for _, f := range settingFields(t) {
		if f.unsaved {
			next[f.name] = current[f.name]
		}
	}
	*x.db.adapterSettings(t) = next
	x.db.settingsVersion[t]++
	return x.db.showSettings(t, next)
}

func adapterSettingsDefaults(x *exchange) answer {
	t := x.params["type"]
	fields := settingFields(t)
	if fields == nil {
		return badRequest("Unsupported adapter type: %s", t)
	}
	ranges := map[string]any{}
	for _, f := range fields {
		switch f.initial.(type) {
		case float64:
			ranges[f.name] = map[string]any{"min": f.min, "max": f.max}
		case string:
			ranges[f.name] = map[string]any{"values": f.words}
		}
	}
	defaults := initialSettings(t)
	defaults["version"] = 1
	return ok(map[string]any{"defaults": defaults, "ranges": ranges})
}

func resetAdapterSettings(x *exchange) answer {
	t, refusal, ok := x.settingsTarget()
	if !ok {
		return refusal
	}
	values := *x.db.adapterSettings(t)
	if name := x.r.URL.Query().Get("setting"); name != "" {
		i := slices.IndexFunc(settingFields(t), func(f field) bool { return f.name == name && !f.stays })
		if i < 0 {
			return badRequest("Unknown %s setting: %s", protocol(t), name)
		}
		values[name] = settingFields(t)[i].initial
	} else {
		values = initialSettings(t)
	}
	*x.db.adapterSettings(t) = values
	x.db.settingsVersion[t]++
	return x.db.showSettings(t, values)
}
