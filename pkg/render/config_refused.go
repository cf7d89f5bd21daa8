// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// refusedKeys may not be set by spec.config, nor what is below them, beside the keys that we write ourselves. Another
// database would be an empty one, another identity another server, and the rest opens the server or holds a secret.
var refusedKeys = []string{
	"database", "admin", "metrics", "identity.machine_sid",
	"controlplane.jwt", "controlplane.tls", "controlplane.pprof", "controlplane.pprof_mutex_rate", "controlplane.pprof_block_rate_ns",
	"ldap.bind_password", "kerberos.machine_account.secret", "kerberos.machine_account.online_join",
}

// staticMap has the names of users for keys.
const staticMap = "kerberos.identity_mapping.static_map."

// ownKeys are the keys that have a field in the spec, by their dotted names: those of our own types. They are refused while
// the field is not set too, so that a key does not change its master when it is.
var ownKeys = leafKeys(reflect.TypeFor[dfsConfig](), "")

func leafKeys(t reflect.Type, prefix string) []string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return []string{strings.TrimSuffix(prefix, ".")}
	}
	var keys []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		keys = append(keys, leafKeys(t.Field(i).Type, prefix+name+".")...)
	}
	return keys
}

// refusedKey is the last line against what admission refuses too; nil if there is nothing of it. prefix ends in a dot.
func refusedKey(overlay map[string]any, prefix string, path *field.Path) *field.Error {
	for _, key := range slices.Sorted(maps.Keys(overlay)) {
		name, at := prefix+key, path.Child(key)
		below, isMap := overlay[key].(map[string]any)
		switch {
		case key == "" || key != strings.ToLower(key) || strings.Contains(key, "."):
			// It would go past the rules here.
			return field.Invalid(at, key, "must be in lower case and without dots: dfs reads a dot as a level and upper case as lower case")
		case slices.Contains(refusedKeys, name) || slices.Contains(ownKeys, name):
			return field.Forbidden(at, "has a field of its own in the spec, or cannot be set at all: leave it out")
		case prefix != staticMap && (strings.HasSuffix(key, "_file") || strings.HasSuffix(key, "path")):
			return field.Forbidden(at, "is a path: files of the pod are the controller's to place")
		case !isMap && slices.ContainsFunc(ownKeys, func(own string) bool { return strings.HasPrefix(own, name+".") }):
			// It would take our keys away.
			return field.Forbidden(at, "must be an object, with the keys that dfs has there")
		}
		if err := refusedKey(below, name+".", at); err != nil {
			return err
		}
	}
	return nil
}
