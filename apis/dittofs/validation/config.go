// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// configWalk goes through spec.config once, for refusals and warnings alike.
type configWalk struct {
	errs     field.ErrorList
	warnings []string
}

// What goes beyond these is no configuration of dfs: errors in it would be as
// many, and their paths as long, as somebody likes to make them.
const (
	maxConfig      = 256 << 10 // bytes
	maxConfigDepth = 16
)

func sizeOf(config map[string]dittofsv1alpha1.Value) int {
	size := 0
	for key, value := range config {
		size += len(key) + len(value.Raw)
	}
	return size
}

// deeper tells whether a value has more levels than given.
func deeper(value any, levels int) bool {
	within := func(child any) bool { return deeper(child, levels-1) }
	switch value := value.(type) {
	case map[string]any:
		return levels == 0 || slices.ContainsFunc(slices.Collect(maps.Values(value)), within)
	case []any:
		return levels == 0 || slices.ContainsFunc(value, within)
	}
	return false
}

func validateConfig(config map[string]dittofsv1alpha1.Value, path *field.Path) field.ErrorList {
	return walkConfig(config, path).errs
}

func configWarnings(config map[string]dittofsv1alpha1.Value, path *field.Path) []string {
	return walkConfig(config, path).warnings
}

func walkConfig(config map[string]dittofsv1alpha1.Value, path *field.Path) *configWalk {
	w := &configWalk{}
	if sizeOf(config) > maxConfig {
		w.errs = append(w.errs, field.TooLong(path, "", maxConfig))
		return w
	}
	values := make(map[string]any, len(config))
	for _, key := range slices.Sorted(maps.Keys(config)) {
		// Numbers are kept as they were written: 1e9 is no integer to dfs.
		decoder := json.NewDecoder(bytes.NewReader(config[key].Raw))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil && len(config[key].Raw) > 0 {
			w.errs = append(w.errs, field.Invalid(path.Child(key), "(not shown)", "must be a JSON value"))
			continue
		}
		if deeper(value, maxConfigDepth) {
			w.errs = append(w.errs, field.Invalid(path.Child(key), "(not shown)", fmt.Sprintf("must have at most %d levels within each other", maxConfigDepth)))
			continue
		}
		values[key] = value
	}
	w.object(values, "", path)
	return w
}

// object looks at each key of one level below prefix, which ends in a dot.
// Paths are dotted all the way down, as the keys are in the file of dfs.
func (w *configWalk) object(values map[string]any, prefix string, path *field.Path) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		name, at, value := prefix+key, path.Child(key), values[key]
		rule, known := configRules[name]
		switch {
		case !plainKey(key):
			w.errs = append(w.errs, badKey(at, key))
		case known:
			w.known(rule, value, at)
		case isGroup(name):
			if object, ok := value.(map[string]any); ok {
				w.object(object, name+".", at)
			} else {
				w.errs = append(w.errs, field.Invalid(at, shown(value), "must be an object, with the keys that dfs has there"))
			}
		default:
			if w.unknown(key, value, at) {
				w.warnings = append(w.warnings, at.String()+": DittoFS v0.29 does not know this key and ignores it; look for a typing error, or take it away")
			}
		}
	}
}

func (w *configWalk) known(rule configRule, value any, path *field.Path) {
	switch {
	case rule.field != "":
		w.errs = append(w.errs, field.Forbidden(path, "has a field of its own: use spec."+rule.field))
	case rule.refused != "":
		w.errs = append(w.errs, field.Forbidden(path, rule.refused))
	case !plainKeys(value):
		w.errs = append(w.errs, badKey(path, "(within)"))
	case !rule.value.ok(value):
		w.errs = append(w.errs, field.Invalid(path, shown(value), "must be "+rule.value.form))
	case rule.seed:
		w.warnings = append(w.warnings, path.String()+": dfs reads this key at its first start only; a later change does nothing")
	}
}

// unknown refuses, however deep, what looks like a secret or a path: nobody
// knows what another version of dfs does with it, and a ConfigMap shows it. It
// reports whether nothing was refused.
func (w *configWalk) unknown(key string, value any, path *field.Path) bool {
	if !plainKey(key) {
		w.errs = append(w.errs, badKey(path, key))
		return false
	}
	if reason := suspicious(key); reason != "" {
		w.errs = append(w.errs, field.Forbidden(path, reason))
		return false
	}
	ok := true
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			ok = w.unknown(name, value[name], path.Child(name)) && ok
		}
	case []any:
		for i, item := range value {
			if object, isObject := item.(map[string]any); isObject {
				for _, name := range slices.Sorted(maps.Keys(object)) {
					ok = w.unknown(name, object[name], path.Index(i).Child(name)) && ok
				}
			}
		}
	}
	return ok
}

func suspicious(key string) string {
	contains := func(word string) bool { return strings.Contains(key, word) }
	switch {
	case slices.ContainsFunc([]string{"secret", "password", "passphrase", "token"}, contains), strings.HasSuffix(key, "_key"):
		return "looks like a secret, which has no place in a configuration that many may read"
	case strings.HasSuffix(key, "_file"), strings.HasSuffix(key, "path"):
		return pathReason
	}
	return ""
}

// plainKey holds what the loader of dfs would read in another way than it is
// written, and so past the rules here: a dot is a level to it, and upper case
// is lower case.
func plainKey(key string) bool {
	return key != "" && key == strings.ToLower(key) && !strings.Contains(key, ".")
}

func plainKeys(value any) bool {
	object, ok := value.(map[string]any)
	if !ok {
		return true
	}
	for key, child := range object {
		if !plainKey(key) || !plainKeys(child) {
			return false
		}
	}
	return true
}

func badKey(path *field.Path, key string) *field.Error {
	return field.Invalid(path, key, "a key must be in lower case and without dots: dfs reads a dot as a level and upper case as lower case")
}

func isGroup(name string) bool {
	for key := range configRules {
		if strings.HasPrefix(key, name+".") {
			return true
		}
	}
	return false
}

// shown is a value as an error prints it best.
func shown(value any) any {
	switch value := value.(type) {
	case json.Number:
		if i, err := value.Int64(); err == nil {
			return i
		}
		if f, err := value.Float64(); err == nil {
			return f
		}
		return field.OmitValueType{}
	case map[string]any, []any:
		return field.OmitValueType{}
	}
	return value
}

// schedulerDisabled looks into the group snapshot of spec.config.
func schedulerDisabled(group dittofsv1alpha1.Value) bool {
	var snapshot struct {
		SchedulerDisabled any `json:"scheduler_disabled"`
	}
	return json.Unmarshal(group.Raw, &snapshot) == nil && snapshot.SchedulerDisabled == true
}
