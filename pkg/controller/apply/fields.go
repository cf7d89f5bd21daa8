// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// maxPaths bounds what a condition or a log line lists.
const maxPaths = 8

// fields is an apply configuration as plain JSON: as it is sent, and without what carries no wish.
type fields struct {
	sent    map[string]any
	compare map[string]any
}

func toFields(applyConfiguration any) (fields, error) {
	raw, err := json.Marshal(applyConfiguration)
	if err != nil {
		return fields{}, err
	}
	return decodeFields(raw)
}

func decodeFields(raw []byte) (fields, error) {
	sent := map[string]any{}
	if err := utiljson.Unmarshal(raw, &sent); err != nil {
		return fields{}, err
	}
	compare := map[string]any{}
	if err := utiljson.Unmarshal(raw, &compare); err != nil {
		return fields{}, err
	}
	delete(compare, "status")
	pruned, _ := prune(compare).(map[string]any)
	dropTemplateDefaults(pruned)
	return fields{sent: sent, compare: pruned}, nil
}

// prune drops nulls and empty maps and lists at every depth: absent and empty mean the same in what we render, and the
// API returns now one, now the other.
func prune(v any) any {
	switch t := v.(type) {
	case map[string]any:
		for k, item := range t {
			if p := prune(item); p == nil {
				delete(t, k)
			} else {
				t[k] = p
			}
		}
		if len(t) == 0 {
			return nil
		}
		return t
	case []any:
		for i := range t {
			if p := prune(t[i]); p != nil {
				t[i] = p
			} else {
				// The place in the list must stay: an empty item is still an item.
				t[i] = map[string]any{}
			}
		}
		if len(t) == 0 {
			return nil
		}
		return t
	default:
		return v
	}
}

// dropTemplateDefaults removes what the API writes into claim templates unasked. The list is atomic, so that it comes back
// as ours; and over protobuf, which knows no type in a nested object, it comes back without its kind.
func dropTemplateDefaults(object map[string]any) {
	spec, _ := object["spec"].(map[string]any)
	templates, _ := spec["volumeClaimTemplates"].([]any)
	for _, t := range templates {
		if claim, ok := t.(map[string]any); ok {
			delete(claim, "apiVersion")
			delete(claim, "kind")
			delete(claim, "status")
		}
	}
}

func hash(f fields) string {
	// Maps are encoded in the order of their keys, so that equal fields have equal text.
	raw, err := json.Marshal(f.compare)
	if err != nil {
		return fmt.Sprintf("unencodable: %v", err)
	}
	return digest(raw)
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// changedPaths names the fields that differ, without their values: those of others have no place in our messages.
func changedPaths(have, want fields) []string {
	out := differences(have, want)
	if len(out) > maxPaths {
		out = append(out[:maxPaths:maxPaths], fmt.Sprintf("and %d more", len(out)-maxPaths))
	}
	return out
}

// differences are all of them.
func differences(have, want fields) []string {
	var out []string
	walk("", have.compare, want.compare, &out)
	slices.Sort(out)
	return out
}

func walk(path string, have, want any, out *[]string) {
	if reflect.DeepEqual(have, want) {
		return
	}
	h, hok := have.(map[string]any)
	w, wok := want.(map[string]any)
	if hok && wok {
		for k := range h {
			walk(join(path, k), h[k], w[k], out)
		}
		for k := range w {
			if _, seen := h[k]; !seen {
				walk(join(path, k), nil, w[k], out)
			}
		}
		return
	}
	hl, hok := have.([]any)
	wl, wok := want.([]any)
	if hok && wok && len(hl) == len(wl) {
		for i := range hl {
			walk(fmt.Sprintf("%s[%d]", path, i), hl[i], wl[i], out)
		}
		return
	}
	*out = append(*out, path)
}

func join(path, key string) string {
	if strings.HasPrefix(key, "[") {
		return path + key
	}
	if strings.ContainsAny(key, "./") {
		key = "[" + key + "]"
		return path + key
	}
	if path == "" {
		return key
	}
	return path + "." + key
}
