// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"maps"

	corev1 "k8s.io/api/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// kerberosSeeds are the keys of kerberos that dfs reads at its first start only. A key that is not known to be one is hashed:
// a restart too many is better than one too few. Paths are none of them, dfs takes those from its file at every start.
var (
	kerberosSeeds = []string{"enabled", "service_principal", "realm", "netbios_domain", "dns_domain", "max_clock_skew",
		"context_ttl", "max_contexts", "identity_mapping"}
	machineAccountSeeds = []string{"enabled", "account_name", "secret", "dc_address"}
)

// HashedConfig is the part of config.yaml that belongs in the config hash: all that dfs reads at each of its starts. What it
// reads at its first start only is left out, since a restart for a change of that would change nothing; the controller
// makes the change through the dfs API. For a server without LDAP and Kerberos it is config.yaml, byte for byte.
func HashedConfig(server *v1alpha1.DittoServer, live []corev1.PersistentVolumeClaim) ([]byte, error) {
	document, err := configDocument(server, live)
	if err != nil {
		return nil, err
	}
	return encodeConfig(withoutSeeds(document))
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
