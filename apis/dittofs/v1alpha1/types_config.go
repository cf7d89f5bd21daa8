// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Value is any JSON value: an object, a list, a string, a number, true, false
// or null. It is kept in one spelling (sorted keys, no spaces, numbers as they
// were written), so that equal values are equal bytes.
// +k8s:openapi-gen=true
type Value struct {
	// Raw is the value in that spelling.
	Raw []byte `json:"-"`
}

// MarshalJSON returns Raw, or null for a zero Value.
func (v Value) MarshalJSON() ([]byte, error) {
	if len(v.Raw) == 0 {
		return []byte("null"), nil
	}
	return v.Raw, nil
}

// UnmarshalJSON takes one JSON value.
func (v *Value) UnmarshalJSON(data []byte) error {
	if v == nil {
		return errors.New("v1alpha1.Value: UnmarshalJSON on a nil pointer")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return err
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	v.Raw = bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
	return nil
}

// OpenAPISchemaType leaves the type open.
func (Value) OpenAPISchemaType() []string { return nil }

// OpenAPISchemaFormat leaves the format open.
func (Value) OpenAPISchemaFormat() string { return "" }
