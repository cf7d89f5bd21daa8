// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rule turns a value of the configuration file or of the environment into the value of a setting, or refuses it.
type rule func(v any) (any, error)

// schema is every key that the loader of DittoFS v0.29.0 knows. All others are ignored with a warning, among them keys of
// older versions that manifests still carry.
func schema() map[string]rule {
	s := map[string]rule{
		"logging.level":                                             enum("DEBUG", "INFO", "WARN", "ERROR"),
		"logging.format":                                            enum("text", "json"),
		"logging.output":                                            text,
		"logging.rotation.max_size":                                 whole(math.MaxInt32),
		"logging.rotation.max_backups":                              whole(math.MaxInt32),
		"logging.rotation.max_age":                                  whole(math.MaxInt32),
		"logging.rotation.compress":                                 boolean,
		"shutdown_timeout":                                          duration,
		"database.type":                                             enum("sqlite", "postgres"),
		"database.sqlite.path":                                      text,
		"database.postgres.host":                                    text,
		"database.postgres.port":                                    whole(65535),
		"database.postgres.database":                                text,
		"database.postgres.user":                                    text,
		"database.postgres.password":                                text,
		"database.postgres.sslmode":                                 text,
		"database.postgres.ssl_root_cert":                           text,
		"database.postgres.max_open_conns":                          whole(math.MaxInt32),
		"database.postgres.max_idle_conns":                          whole(math.MaxInt32),
		"controlplane.host":                                         text,
		"controlplane.port":                                         whole(65535),
		"controlplane.read_timeout":                                 duration,
		"controlplane.write_timeout":                                duration,
		"controlplane.idle_timeout":                                 duration,
		"controlplane.drain_stall_timeout":                          duration,
		"controlplane.jwt.secret":                                   text,
		"controlplane.jwt.access_token_duration":                    duration,
		"controlplane.jwt.refresh_token_duration":                   duration,
		"controlplane.pprof":                                        boolean,
		"controlplane.pprof_mutex_rate":                             whole(math.MaxInt32),
		"controlplane.pprof_block_rate_ns":                          whole(math.MaxInt32),
		"controlplane.require_initial_password_change":              boolean,
		"admin.username":                                            text,
		"admin.email":                                               text,
		"admin.password_hash":                                       text,
		"metrics.enabled":                                           boolean,
		"metrics.host":                                              text,
		"metrics.port":                                              whole(65535),
		"metrics.path":                                              text,
		"metrics.auth":                                              enum("none", "token"),
		"metrics.token_file":                                        text,
		"blockstore.local.default_remote_cache_size":                whole(math.MaxInt64),
		"blockstore.local.backpressure_max_wait":                    duration,
		"blockstore.local.max_log_bytes":                            whole(math.MaxInt64),
		"metadata.badger.block_cache_mb":                            whole(math.MaxInt32),
		"metadata.badger.index_cache_mb":                            whole(math.MaxInt32),
		"gc.grace_period":                                           duration,
		"gc.dry_run_sample_size":                                    whole(math.MaxInt32),
		"gc.compaction_live_ratio":                                  ratio,
		"gc.auto_enabled":                                           boolean,
		"gc.auto_interval":                                          duration,
		"snapshot.restore_http_timeout":                             duration,
		"snapshot.scheduler_poll_interval":                          duration,
		"snapshot.scheduler_disabled":                               boolean,
		"identity.machine_sid":                                      matching(`^S-1-5-21-\d+-\d+-\d+$`),
		"kerberos.enabled":                                          boolean,
		"kerberos.keytab_path":                                      text,
		"kerberos.service_principal":                                text,
		"kerberos.krb5_conf":                                        text,
		"kerberos.realm":                                            matching(`^[^@/ ]*$`),
		"kerberos.netbios_domain":                                   matching(`^[^.@/ ]*$`),
		"kerberos.dns_domain":                                       matching(`^[^@/ ]*$`),
		"kerberos.max_clock_skew":                                   duration,
		"kerberos.context_ttl":                                      duration,
		"kerberos.max_contexts":                                     whole(math.MaxInt32),
		"kerberos.identity_mapping.strategy":                        enum("static"),
		"kerberos.identity_mapping.static_map":                      anything,
		"kerberos.identity_mapping.default_uid":                     whole(math.MaxUint32),
		"kerberos.identity_mapping.default_gid":                     whole(math.MaxUint32),
		"kerberos.machine_account.enabled":                          boolean,
		"kerberos.machine_account.account_name":                     text,
		"kerberos.machine_account.secret":                           text,
		"kerberos.machine_account.keytab_path":                      text,
		"kerberos.machine_account.dc_address":                       anything,
		"kerberos.machine_account.online_join.enabled":              boolean,
		"kerberos.machine_account.online_join.spns":                 anything,
		"kerberos.machine_account.online_join.start_tls":            boolean,
		"kerberos.machine_account.online_join.rotation_interval":    duration,
		"kerberos.machine_account.online_join.insecure_skip_verify": boolean,
		"ldap.enabled":                                              boolean,
		"ldap.url":                                                  text,
		"ldap.start_tls":                                            boolean,
		"ldap.allow_plaintext":                                      boolean,
		"ldap.nested_groups":                                        boolean,
		"ldap.base_dn":                                              text,
		"ldap.bind_dn":                                              text,
		"ldap.bind_password":                                        text,
		"ldap.realm":                                                text,
		"ldap.user_attr":                                            matching(`^([A-Za-z][A-Za-z0-9-]*)?$`),
		"ldap.idmap":                                                enum("rfc2307", "rid"),
		"ldap.timeout":                                              duration,
		"ldap.max_group_results":                                    whole(math.MaxInt32),
		"ldap.tls.ca_cert_file":                                     text,
		"ldap.tls.client_cert_file":                                 text,
		"ldap.tls.client_key_file":                                  text,
		"ldap.tls.insecure_skip_verify":                             boolean,
		"ldap.tls.min_version":                                      enum("1.2", "1.3"),
	}
	for _, leaf := range []string{"ldap_url", "bind_dn", "bind_password", "base_dn", "ou", "dns_host_name", "ca_cert_file"} {
		s["kerberos.machine_account.online_join."+leaf] = text
	}
	for _, section := range []string{"controlplane.tls.", "metrics.tls."} {
		s[section+"cert_file"], s[section+"key_file"], s[section+"client_ca"] = text, text, text
		s[section+"min_version"] = enum("1.2", "1.3")
	}
	return s
}

func anything(v any) (any, error) { return v, nil }

func text(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil // the loader takes numbers for strings: min_version: 1.3
	}
	return nil, fmt.Errorf("expected type 'string', got a %T", v)
}

func boolean(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return false, nil
	case bool:
		return v, nil
	case string:
		b, err := strconv.ParseBool(v)
		if err != nil {
			return nil, fmt.Errorf("cannot parse as bool: %q", v)
		}
		return b, nil
	case float64:
		return v != 0, nil
	}
	return nil, fmt.Errorf("expected type 'bool', got a %T", v)
}

func whole(highest float64) rule {
	return func(v any) (any, error) {
		var n float64
		switch v := v.(type) {
		case nil:
			return int64(0), nil
		case float64:
			n = v
		case string:
			i, err := strconv.ParseInt(v, 0, 64)
			if err != nil {
				return nil, fmt.Errorf("cannot parse as int: %q", v) // 10GiB, or tcp://10.0.0.1:80 of a service link
			}
			n = float64(i)
		default:
			return nil, fmt.Errorf("expected type 'int', got a %T", v)
		}
		if n != math.Trunc(n) || n < 0 || n > highest {
			return nil, fmt.Errorf("%v is out of range", v)
		}
		return int64(n), nil
	}
}

func ratio(v any) (any, error) {
	switch v := v.(type) {
	case float64:
		if v >= 0 && v <= 1 {
			return v, nil
		}
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil && f >= 0 && f <= 1 {
			return f, nil
		}
	}
	return nil, fmt.Errorf("%v is not between 0 and 1", v)
}

func duration(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return time.Duration(0), nil
	case string:
		d, err := time.ParseDuration(v)
		if err != nil {
			return nil, err
		}
		if d < 0 {
			return nil, fmt.Errorf("%s is negative", v)
		}
		return d, nil
	case float64:
		return time.Duration(v), nil // nanoseconds, accepted without a word
	}
	return nil, fmt.Errorf("expected a duration, got a %T", v)
}

func enum(values ...string) rule {
	return func(v any) (any, error) {
		s, err := text(v)
		if err != nil {
			return nil, err
		}
		for _, known := range append(slices.Clone(values), "") {
			if strings.EqualFold(s.(string), known) {
				return known, nil
			}
		}
		return nil, fmt.Errorf("%q is not one of %s", s, strings.Join(values, ", "))
	}
}

func matching(pattern string) rule {
	re := regexp.MustCompile(pattern)
	return func(v any) (any, error) {
		s, err := text(v)
		if err != nil {
			return nil, err
		}
		if s != "" && !re.MatchString(s.(string)) {
			return nil, fmt.Errorf("%q is invalid", s)
		}
		return s, nil
	}
}
