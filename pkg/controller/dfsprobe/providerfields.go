// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"maps"
	"reflect"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

// overlay is current with the fields of the spec on top. Secrets are left as they came, masked: dfs keeps what it has then.
func overlay(current, fields map[string]any) dfs.IdentityProvider {
	out := maps.Clone(current)
	if out == nil {
		out = map[string]any{}
	}
	for key, value := range fields {
		switch value := value.(type) {
		case nil:
			delete(out, key)
		case map[string]any:
			below, _ := out[key].(map[string]any)
			out[key] = map[string]any(overlay(below, value))
		default:
			out[key] = value
		}
	}
	return out
}

// sameFields compares two configurations. dfs leaves some empty fields out of its answers and shows others.
func sameFields(a, b map[string]any) bool {
	return reflect.DeepEqual(filled(a), filled(b))
}

func filled(in map[string]any) map[string]any {
	out := map[string]any{}
	for key, value := range in {
		switch v := value.(type) {
		case nil:
			continue
		case map[string]any:
			if below := filled(v); len(below) > 0 {
				out[key] = below
			}
			continue
		case []any:
			if len(v) > 0 {
				out[key] = v
			}
			continue
		}
		if !reflect.ValueOf(value).IsZero() {
			out[key] = value
		}
	}
	return out
}

// only are the named fields.
func only(in map[string]any, names []string) map[string]any {
	out := map[string]any{}
	for _, name := range names {
		out[name] = in[name]
	}
	return out
}

// at is a field somewhere below, and put puts one there.
func at(in map[string]any, path []string) any {
	for _, key := range path[:len(path)-1] {
		in, _ = in[key].(map[string]any)
	}
	return in[path[len(path)-1]]
}

func put(in map[string]any, path []string, value any) {
	for _, key := range path[:len(path)-1] {
		below, ok := in[key].(map[string]any)
		if !ok {
			below = map[string]any{}
			in[key] = below
		}
		in = below
	}
	in[path[len(path)-1]] = value
}
