// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// settings are the values that a server starts with: environment before file before defaults.
type settings map[string]any

func (s settings) str(key string) string             { v, _ := s[key].(string); return v }
func (s settings) on(key string) bool                { v, _ := s[key].(bool); return v }
func (s settings) num(key string) int64              { v, _ := s[key].(int64); return v }
func (s settings) duration(key string) time.Duration { v, _ := s[key].(time.Duration); return v }

// defaults that matter here; an absent, empty or zero value takes them.
func (s settings) applyDefaults() {
	for key, value := range map[string]any{
		"database.type":                           "sqlite",
		"database.postgres.port":                  int64(5432),
		"database.postgres.sslmode":               "disable",
		"controlplane.host":                       "127.0.0.1",
		"controlplane.port":                       int64(8080),
		"controlplane.jwt.access_token_duration":  15 * time.Minute,
		"controlplane.jwt.refresh_token_duration": 168 * time.Hour,
		"metrics.port":                            int64(9090),
		"metrics.path":                            "/metrics",
		"metrics.auth":                            "none",
		"ldap.user_attr":                          "sAMAccountName",
		"ldap.idmap":                              "rfc2307",
		"ldap.timeout":                            10 * time.Second,
		"ldap.max_group_results":                  int64(200),
	} {
		switch s[key] {
		case nil, "", int64(0), time.Duration(0):
			s[key] = value
		}
	}
	if s["controlplane.require_initial_password_change"] == nil {
		s["controlplane.require_initial_password_change"] = true
	}
}

// loadSettings reads a configuration file and the environment as dfs does. Keys that it does not know are warnings.
func loadSettings(file []byte, env map[string]string) (settings, []string, error) {
	asJSON, err := yaml.YAMLToJSONStrict(file) // strict: a key given twice is fatal
	if err != nil {
		return nil, nil, fmt.Errorf("failed to read config file: %w", err)
	}
	var tree map[string]any
	if err := json.Unmarshal(asJSON, &tree); err != nil {
		return nil, nil, fmt.Errorf("failed to read config file: %w", err)
	}
	known := schema()
	raw, unknown, err := flatten("", tree, known)
	if err != nil {
		return nil, nil, err
	}
	for key := range known {
		if v := env["DITTOFS_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))]; v != "" { // empty means unset
			raw[key] = v
		}
	}
	for variable, key := range map[string]string{
		"DITTOFS_CONTROLPLANE_SECRET": "controlplane.jwt.secret", // wins over DITTOFS_CONTROLPLANE_JWT_SECRET
		"DITTOFS_KERBEROS_KEYTAB":     "kerberos.keytab_path",
		"DITTOFS_KERBEROS_PRINCIPAL":  "kerberos.service_principal",
		"DITTOFS_KERBEROS_KRB5CONF":   "kerberos.krb5_conf",
	} {
		if v := env[variable]; v != "" {
			raw[key] = v
		}
	}

	out := settings{}
	for key, v := range raw {
		if out[key], err = known[key](v); err != nil {
			return nil, nil, fmt.Errorf("failed to load config: %s: %w", key, err)
		}
	}
	out.applyDefaults()
	slices.Sort(unknown)
	var warnings []string
	if len(unknown) > 0 {
		warnings = []string{"config contains unknown keys (ignored): " + strings.Join(unknown, ", ")}
	}
	return out, warnings, out.validate()
}

// flatten turns the tree of the file into dotted keys. Of an unknown section only the top is reported.
func flatten(prefix string, tree map[string]any, known map[string]rule) (map[string]any, []string, error) {
	leaves := map[string]any{}
	var unknown []string
	for k, v := range tree {
		key := prefix + strings.ToLower(k) // the loader folds the case of every key
		if _, ok := known[key]; ok {
			leaves[key] = v
			continue
		}
		section := false
		for other := range known {
			section = section || strings.HasPrefix(other, key+".")
		}
		if !section {
			unknown = append(unknown, key)
			continue
		}
		if v == nil {
			continue
		}
		sub, ok := v.(map[string]any)
		if !ok {
			return nil, nil, fmt.Errorf("failed to load config: %s: expected a map, got a %T", key, v)
		}
		deeper, more, err := flatten(key+".", sub, known)
		if err != nil {
			return nil, nil, err
		}
		for k, v := range deeper {
			leaves[k] = v
		}
		unknown = append(unknown, more...)
	}
	return leaves, unknown, nil
}

// validate holds the rules across keys. A missing JWT secret is none of them: dfs looks for it much later.
func (s settings) validate() error {
	if s.str("database.type") == "postgres" {
		for _, key := range []string{"host", "database", "user"} {
			if s.str("database.postgres."+key) == "" {
				return fmt.Errorf("invalid database configuration: postgres %s is required", key)
			}
		}
	}
	for _, section := range []string{"controlplane.tls.", "metrics.tls."} {
		cert, key, ca := s.str(section+"cert_file"), s.str(section+"key_file"), s.str(section+"client_ca")
		if (cert == "") != (key == "") {
			return fmt.Errorf("%s: cert_file and key_file must be set together", strings.TrimSuffix(section, "."))
		}
		if ca != "" && cert == "" {
			return fmt.Errorf("%s: client_ca requires cert_file and key_file", strings.TrimSuffix(section, "."))
		}
	}
	if s.on("metrics.enabled") {
		if !strings.HasPrefix(s.str("metrics.path"), "/") {
			return fmt.Errorf("metrics.path %q must start with /", s.str("metrics.path"))
		}
		if s.str("metrics.auth") == "token" && s.str("metrics.token_file") == "" {
			return fmt.Errorf("metrics.token_file is required when metrics.auth is token")
		}
	}
	if d := s.duration("gc.grace_period"); d != 0 && d < 5*time.Minute {
		return fmt.Errorf("gc.grace_period must be 0 or at least 5m")
	}
	if d := s.duration("gc.auto_interval"); d != 0 && d < time.Minute {
		return fmt.Errorf("gc.auto_interval must be 0 or at least 1m")
	}
	if err := s.ldap().validate(); err != nil {
		return err
	}
	return s.kerberos().validate()
}
