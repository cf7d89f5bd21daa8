// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"maps"

	"k8s.io/apimachinery/pkg/runtime"
)

// converted turns a type of the API into the apply configuration of that type. It goes the way that Extract goes, so that
// both arrive at the same value.
func converted[Into, From any](from *From) (*Into, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(from)
	if err != nil {
		return nil, err
	}
	into := new(Into)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, into); err != nil {
		return nil, err
	}
	return into, nil
}

func convertedList[Into, From any](from []From) ([]*Into, error) {
	var list []*Into
	for i := range from {
		into, err := converted[Into](&from[i])
		if err != nil {
			return nil, err
		}
		list = append(list, into)
	}
	return list, nil
}

// overlaid is an apply configuration with what the user set on top, field by field at every depth. Nothing set changes
// nothing.
func overlaid[Into, From any](base *Into, over *From) (*Into, error) {
	if over == nil {
		return base, nil
	}
	below, err := runtime.DefaultUnstructuredConverter.ToUnstructured(base)
	if err != nil {
		return nil, err
	}
	above, err := runtime.DefaultUnstructuredConverter.ToUnstructured(over)
	if err != nil {
		return nil, err
	}
	into := new(Into)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(merged(below, above), into); err != nil {
		return nil, err
	}
	return into, nil
}

// merged is a new map with what is in both: maps are merged at every depth, everything else of over replaces what was there.
func merged(base, over map[string]any) map[string]any {
	out := make(map[string]any, len(base)+len(over))
	maps.Copy(out, base)
	for key, value := range over {
		below, ok := out[key].(map[string]any)
		above, both := value.(map[string]any)
		if ok && both {
			value = merged(below, above)
		}
		out[key] = value
	}
	return out
}
