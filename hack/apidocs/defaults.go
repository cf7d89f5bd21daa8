// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"strings"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// defaultOf is what the server puts into a field that is left out of an object
// that is empty but for the parents of the field. It is empty if nothing is put there.
func defaultOf(path string) (string, error) {
	segments := strings.Split(path, ".")
	var object any = map[string]any{}
	for i := len(segments) - 2; i >= 0; i-- {
		name, list := strings.CutSuffix(segments[i], "[]")
		if list {
			object = []any{object}
		}
		object = map[string]any{name: object}
	}
	text, err := json.Marshal(object)
	if err != nil {
		return "", err
	}
	server := &dittofsv1alpha1.DittoServer{}
	if err := json.Unmarshal(text, server); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	dittofsv1alpha1.SetObjectDefaults_DittoServer(server)
	if text, err = json.Marshal(server); err != nil {
		return "", err
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return "", err
	}
	for _, segment := range segments {
		name, _ := strings.CutSuffix(segment, "[]")
		if items, ok := value.([]any); ok {
			value = items[0]
		}
		value = value.(map[string]any)[name]
	}
	switch value := value.(type) {
	case nil, map[string]any, []any:
		return "", nil
	case string:
		return value, nil
	default:
		return fmt.Sprint(value), nil
	}
}
