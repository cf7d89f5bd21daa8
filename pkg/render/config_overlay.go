// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// kerberosSeeds are the keys of kerberos that dfs reads at its first start only. A key that is not known to be one is hashed:
// a restart too many is better than one too few. Paths are none of them, dfs takes those from its file at every start.
var (
	kerberosSeeds = []string{"enabled", "service_principal", "realm", "netbios_domain", "dns_domain", "max_clock_skew",
		"context_ttl", "max_contexts", "identity_mapping"}
	machineAccountSeeds = []string{"enabled", "account_name", "secret", "dc_address"}
)

// withOverlay merges spec.config over the configuration. Numbers stay text on their way, so that a large integer does not
// become a fraction.
func withOverlay(config dfsConfig, overlay map[string]v1alpha1.Value) (map[string]any, error) {
	text, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("encoding the configuration: %w", err)
	}
	document := map[string]any{}
	if err := decodeExactly(text, &document); err != nil {
		return nil, fmt.Errorf("decoding the configuration: %w", err)
	}
	over := make(map[string]any, len(overlay))
	for key, value := range overlay {
		raw, err := value.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("spec.config.%s: %w", key, err)
		}
		var decoded any
		if err := decodeExactly(raw, &decoded); err != nil {
			// The error of a decoder may quote what it reads.
			return nil, field.Invalid(field.NewPath("spec", "config").Child(key), "(not shown)", "must be a JSON value")
		}
		over[key] = decoded
	}
	return merged(document, over), nil
}

func decodeExactly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into)
}

// refusedOverlay is the last line against what admission refuses too: another database would be an empty one. dfs reads a
// dot as a level and upper case as lower case.
func refusedOverlay(overlay map[string]v1alpha1.Value) *field.Error {
	for _, key := range slices.Sorted(maps.Keys(overlay)) {
		if group, _, _ := strings.Cut(strings.ToLower(key), "."); group == "database" {
			return field.Forbidden(field.NewPath("spec", "config").Child(key), "has a field of its own: use spec.database or spec.percona")
		}
	}
	return nil
}

// withoutSeeds is the document without what dfs reads at its first start only.
func withoutSeeds(document map[string]any) map[string]any {
	hashed := maps.Clone(document)
	delete(hashed, "ldap")
	kerberos, ok := hashed["kerberos"].(map[string]any)
	if !ok {
		return hashed
	}
	kerberos = without(kerberos, kerberosSeeds)
	if account, ok := kerberos["machine_account"].(map[string]any); ok {
		kerberos["machine_account"] = without(account, machineAccountSeeds)
	}
	dropIfEmpty(kerberos, "machine_account")
	hashed["kerberos"] = kerberos
	dropIfEmpty(hashed, "kerberos")
	return hashed
}

func without(in map[string]any, keys []string) map[string]any {
	out := maps.Clone(in)
	for _, key := range keys {
		delete(out, key)
	}
	return out
}

// dropIfEmpty makes a block of seeds alone equal to no block.
func dropIfEmpty(in map[string]any, key string) {
	if below, ok := in[key].(map[string]any); ok && len(below) == 0 {
		delete(in, key)
	}
}
