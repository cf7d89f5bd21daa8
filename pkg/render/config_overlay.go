// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// asDocument is the configuration as a tree. Numbers stay text on their way, so that a large integer does not become a
// fraction.
func asDocument(config dfsConfig) (map[string]any, error) {
	text, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("encoding the configuration: %w", err)
	}
	document := map[string]any{}
	if err := decodeExactly(text, &document); err != nil {
		return nil, fmt.Errorf("decoding the configuration: %w", err)
	}
	return document, nil
}

// withOverlay merges spec.config over the configuration: maps at every depth, everything else is replaced.
func withOverlay(document map[string]any, overlay map[string]v1alpha1.Value) (map[string]any, error) {
	over, refusal := decodedOverlay(overlay)
	if refusal == nil {
		refusal = refusedKey(over, "", overlayPath)
	}
	if refusal != nil {
		return nil, refusal
	}
	return merged(document, over), nil
}

// overlayPath is the field of the spec.
var overlayPath = field.NewPath("spec", "config")

func decodedOverlay(overlay map[string]v1alpha1.Value) (map[string]any, *field.Error) {
	over := make(map[string]any, len(overlay))
	for _, key := range slices.Sorted(maps.Keys(overlay)) {
		var value any
		// The error of a decoder may quote what it reads.
		raw, err := overlay[key].MarshalJSON()
		if err != nil || decodeExactly(raw, &value) != nil {
			return nil, field.Invalid(overlayPath.Child(key), "(not shown)", "must be a JSON value")
		}
		over[key] = value
	}
	return over, nil
}

func decodeExactly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into)
}
