// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import "time"

// configRule is what spec.config may do with one key of the configuration of
// DittoFS v0.29, or with a group of them. Exactly one of its parts is set,
// besides seed.
type configRule struct {
	value   configValue // the key may be set, to this
	field   string      // the key has this field of its own
	refused string      // the key may not be set, and why
	seed    bool        // dfs reads it at its first start only
}

const (
	secretReason = "holds a secret, which has no place in a configuration that many may read; use the field that names a Secret"
	pathReason   = "is a path, which spec.config may not set: files of the pod are the controller's to place"
	pprofReason  = "would open the memory of the server to whoever reaches its API"
)

// configRules are all keys that the loader of DittoFS v0.29 knows, by their
// dotted names. A rule for a group covers the keys in it that have none.
var configRules = map[string]configRule{
	"logging.level":                {field: "logging.level"},
	"logging.format":               {field: "logging.format"},
	"logging.output":               {field: "logging.output"},
	"logging.rotation.max_size":    {value: count},
	"logging.rotation.max_backups": {value: count},
	"logging.rotation.max_age":     {value: count},
	"logging.rotation.compress":    {value: boolean},

	"shutdown_timeout": {field: "shutdownTimeout"},
	"database":         {field: "database or spec.percona"},
	"admin":            {field: "identity.admin"},
	"metrics":          {field: "metrics"},
	"cache.path":       {field: "storage.cacheSize"},

	"controlplane.host":                            {refused: "must stay as it is: the server listens on all addresses of its pod"},
	"controlplane.port":                            {field: "controlPlane.port"},
	"controlplane.read_timeout":                    {value: duration},
	"controlplane.write_timeout":                   {field: "controlPlane.writeTimeout"},
	"controlplane.idle_timeout":                    {value: duration},
	"controlplane.drain_stall_timeout":             {value: duration},
	"controlplane.jwt":                             {field: "identity.jwt"},
	"controlplane.tls":                             {field: "controlPlane.certSecretName, .clientCASecretName and .tlsMinVersion"},
	"controlplane.pprof":                           {refused: pprofReason},
	"controlplane.pprof_mutex_rate":                {refused: pprofReason},
	"controlplane.pprof_block_rate_ns":             {refused: pprofReason},
	"controlplane.require_initial_password_change": {value: boolean},

	"blockstore.local.default_remote_cache_size": {value: bytesSize},
	"blockstore.local.backpressure_max_wait":     {value: duration},
	"blockstore.local.max_log_bytes":             {value: bytesSize},
	"metadata.badger.block_cache_mb":             {value: count},
	"metadata.badger.index_cache_mb":             {value: count},

	"gc.grace_period":                  {value: durationOrZero(5 * time.Minute)},
	"gc.dry_run_sample_size":           {value: count},
	"gc.compaction_live_ratio":         {value: ratio},
	"gc.auto_enabled":                  {value: boolean},
	"gc.auto_interval":                 {value: durationOrZero(time.Minute)},
	"snapshot.scheduler_disabled":      {value: boolean},
	"snapshot.restore_http_timeout":    {value: duration},
	"snapshot.scheduler_poll_interval": {value: duration},

	"identity.machine_sid": {refused: "is the identity of the server, which it makes for itself at its first start and by which the controller knows its database"},

	"kerberos.enabled":           {field: "identity.kerberos.enabled"},
	"kerberos.keytab_path":       {field: "identity.kerberos.keytabSecretRef"},
	"kerberos.service_principal": {field: "identity.kerberos.servicePrincipal"},
	"kerberos.krb5_conf":         {field: "identity.kerberos.krb5Conf"},
	"kerberos.realm":             {field: "identity.kerberos.realm"},
	"kerberos.netbios_domain":    {field: "identity.kerberos.netbiosDomain"},
	"kerberos.dns_domain":        {field: "identity.kerberos.dnsDomain"},
	"kerberos.max_clock_skew":    {value: duration, seed: true},
	"kerberos.context_ttl":       {value: duration, seed: true},
	"kerberos.max_contexts":      {value: count, seed: true},

	"kerberos.identity_mapping.strategy":    {value: oneOf("static"), seed: true},
	"kerberos.identity_mapping.static_map":  {value: staticMap, seed: true},
	"kerberos.identity_mapping.default_uid": {value: unixID, seed: true},
	"kerberos.identity_mapping.default_gid": {value: unixID, seed: true},

	"kerberos.machine_account.enabled":      {field: "identity.kerberos.machineAccount.enabled"},
	"kerberos.machine_account.account_name": {field: "identity.kerberos.machineAccount.accountName"},
	"kerberos.machine_account.secret":       {field: "identity.kerberos.machineAccount.secretRef"},
	"kerberos.machine_account.keytab_path":  {field: "identity.kerberos.machineAccount.keytabSecretRef"},
	"kerberos.machine_account.dc_address":   {field: "identity.kerberos.machineAccount.dcAddress"},
	"kerberos.machine_account.online_join":  {refused: "needs the password of an account that may join machines: " + secretReason},

	"ldap.enabled":                  {field: "identity.ldap.enabled"},
	"ldap.url":                      {field: "identity.ldap.url"},
	"ldap.start_tls":                {field: "identity.ldap.startTLS"},
	"ldap.allow_plaintext":          {field: "identity.ldap.allowPlaintext"},
	"ldap.base_dn":                  {field: "identity.ldap.baseDN"},
	"ldap.bind_dn":                  {field: "identity.ldap.bindDN"},
	"ldap.bind_password":            {field: "identity.ldap.bindPasswordSecretRef"},
	"ldap.user_attr":                {field: "identity.ldap.userAttr"},
	"ldap.realm":                    {field: "identity.ldap.realm"},
	"ldap.idmap":                    {field: "identity.ldap.idmap"},
	"ldap.nested_groups":            {field: "identity.ldap.nestedGroups"},
	"ldap.timeout":                  {value: duration, seed: true},
	"ldap.max_group_results":        {value: count, seed: true},
	"ldap.tls.ca_cert_file":         {field: "identity.ldap.caCertFile"},
	"ldap.tls.client_cert_file":     {refused: pathReason},
	"ldap.tls.client_key_file":      {refused: pathReason},
	"ldap.tls.insecure_skip_verify": {field: "identity.ldap.insecureSkipVerify"},
	"ldap.tls.min_version":          {value: oneOf("1.2", "1.3"), seed: true},
}
