// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
)

// facts are the short rules of a field, in the order of the page: type,
// presence, default, limits, merging, change.
func facts(entry *field) ([]string, error) {
	result := []string{entry.typeText}
	inSpec := strings.HasPrefix(entry.path, "spec.")
	if entry.required {
		result = append(result, "required")
	}
	if inSpec && !entry.required {
		value, err := defaultOf(entry.path)
		if err != nil {
			return nil, err
		}
		if value == "" {
			value = entry.zeroDefault
		}
		if value != "" {
			result = append(result, "default `"+value+"`")
		}
	}
	if limits := limits(entry.doc); inSpec || entry.path[0] == '.' {
		result = append(result, limits...)
	}
	if keys := entry.doc.markers["listMapKey"]; len(keys) > 0 {
		result = append(result, "one for each "+strings.Join(keys, " and "))
	}
	if entry.doc.value("mapType") == "atomic" || entry.doc.value("listType") == "atomic" {
		result = append(result, "replaced as a whole by an apply")
	}
	if entry.doc.has("k8s:immutable") {
		result = append(result, "cannot be changed")
	}
	return result, nil
}

func limits(doc comment) []string {
	var result []string
	low, high := doc.value("k8s:minimum"), doc.value("k8s:maximum")
	switch {
	case low != "" && high != "":
		result = append(result, low+" to "+high)
	case low != "":
		result = append(result, "at least "+low)
	case high != "":
		result = append(result, "at most "+high)
	}
	for _, limit := range []struct{ marker, unit string }{
		{"k8s:maxLength", "characters"},
		{"k8s:maxItems", "entries"},
		{"k8s:maxProperties", "keys"},
	} {
		if value := doc.value(limit.marker); value != "" {
			result = append(result, fmt.Sprintf("at most %s %s", value, limit.unit))
		}
	}
	if doc.value("k8s:format") == "k8s-long-name" {
		result = append(result, "a DNS subdomain")
	}
	return result
}
