// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

type ldapConfig struct {
	Enabled         bool    `json:"enabled"`
	URL             string  `json:"url"`
	StartTLS        bool    `json:"start_tls"`
	AllowPlaintext  bool    `json:"allow_plaintext"`
	BaseDN          string  `json:"base_dn"`
	BindDN          string  `json:"bind_dn"`
	BindPassword    string  `json:"bind_password,omitempty"`
	UserAttr        string  `json:"user_attr"`
	Realm           string  `json:"realm"`
	Idmap           string  `json:"idmap"`
	NestedGroups    bool    `json:"nested_groups"`
	Timeout         string  `json:"timeout"`
	MaxGroupResults int64   `json:"max_group_results"`
	TLS             ldapTLS `json:"tls"`
}

type ldapTLS struct {
	CACertFile         string `json:"ca_cert_file"`
	ClientCertFile     string `json:"client_cert_file"`
	ClientKeyFile      string `json:"client_key_file"`
	InsecureSkipVerify bool   `json:"insecure_skip_verify"`
	MinVersion         string `json:"min_version"`
}

type kerberosConfig struct {
	Enabled          bool           `json:"enabled"`
	KeytabPath       string         `json:"keytab_path"`
	ServicePrincipal string         `json:"service_principal"`
	Realm            string         `json:"realm"`
	NetBIOSDomain    string         `json:"netbios_domain"`
	DNSDomain        string         `json:"dns_domain"`
	Krb5Conf         string         `json:"krb5_conf"`
	MaxClockSkew     string         `json:"max_clock_skew"`
	ContextTTL       string         `json:"context_ttl"`
	MaxContexts      int64          `json:"max_contexts"`
	MachineAccount   machineAccount `json:"machine_account"`
}

type machineAccount struct {
	Enabled     bool     `json:"enabled,omitempty"`
	AccountName string   `json:"account_name,omitempty"`
	KeytabPath  string   `json:"keytab_path,omitempty"`
	DCAddress   []string `json:"dc_address,omitempty"`
	Secret      string   `json:"secret,omitempty"`
}

// ldap is the LDAP configuration of file and environment.
func (s settings) ldap() *ldapConfig {
	return &ldapConfig{
		Enabled: s.on("ldap.enabled"), URL: s.str("ldap.url"), StartTLS: s.on("ldap.start_tls"), AllowPlaintext: s.on("ldap.allow_plaintext"),
		BaseDN: s.str("ldap.base_dn"), BindDN: s.str("ldap.bind_dn"), BindPassword: s.str("ldap.bind_password"),
		UserAttr: s.str("ldap.user_attr"), Realm: s.str("ldap.realm"), Idmap: s.str("ldap.idmap"),
		NestedGroups: s.on("ldap.nested_groups"), Timeout: s.duration("ldap.timeout").String(), MaxGroupResults: s.num("ldap.max_group_results"),
		TLS: ldapTLS{s.str("ldap.tls.ca_cert_file"), s.str("ldap.tls.client_cert_file"), s.str("ldap.tls.client_key_file"),
			s.on("ldap.tls.insecure_skip_verify"), s.str("ldap.tls.min_version")},
	}
}

// kerberos is the Kerberos configuration of file and environment.
func (s settings) kerberos() *kerberosConfig {
	return &kerberosConfig{
		Enabled: s.on("kerberos.enabled"), KeytabPath: s.str("kerberos.keytab_path"), ServicePrincipal: s.str("kerberos.service_principal"),
		Realm: s.str("kerberos.realm"), NetBIOSDomain: s.str("kerberos.netbios_domain"), DNSDomain: s.str("kerberos.dns_domain"),
		Krb5Conf: s.str("kerberos.krb5_conf"),
		MachineAccount: machineAccount{Enabled: s.on("kerberos.machine_account.enabled"), AccountName: s.str("kerberos.machine_account.account_name"),
			KeytabPath: s.str("kerberos.machine_account.keytab_path"), Secret: s.str("kerberos.machine_account.secret")},
	}
}

// seedProviders stores what the file says the first time it enables a provider. Afterwards the stored row counts, and
// later changes of the file and of the environment are without effect.
func (d *database) seedProviders(cfg settings) {
	if l := cfg.ldap(); d.ldapRow == nil && l.Enabled {
		d.ldapRow = l
	}
	if k := cfg.kerberos(); d.kerberosRow == nil && k.Enabled {
		d.kerberosRow = k
	}
}

var attributePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)

func (c *ldapConfig) validate() error {
	if !c.Enabled {
		return nil
	}
	scheme := strings.ToLower(strings.TrimSpace(c.URL))
	switch {
	case scheme == "":
		return errors.New("ldap.url is required when ldap is enabled")
	case strings.HasPrefix(scheme, "ldap://") && !c.StartTLS && !c.AllowPlaintext:
		return errors.New("ldap.url uses plaintext ldap://; set ldap.start_tls=true to upgrade to TLS, or ldap.allow_plaintext=true to explicitly permit an unencrypted bind")
	case !strings.HasPrefix(scheme, "ldap://") && !strings.HasPrefix(scheme, "ldaps://"):
		return fmt.Errorf("ldap.url must use the ldap:// or ldaps:// scheme (got %q)", c.URL)
	case c.BaseDN == "":
		return errors.New("ldap.base_dn is required when ldap is enabled")
	case c.BindDN == "":
		return errors.New("ldap.bind_dn is required (service-account bind is the minimum supported auth)")
	case c.BindPassword == "":
		return errors.New("ldap.bind_password is required (an empty password performs an anonymous bind)")
	case !attributePattern.MatchString(c.UserAttr):
		return fmt.Errorf("ldap.user_attr %q is not a valid LDAP attribute name", c.UserAttr)
	case c.Idmap != "rfc2307" && c.Idmap != "rid":
		return fmt.Errorf("ldap.idmap %q is not supported", c.Idmap)
	case (c.TLS.ClientCertFile == "") != (c.TLS.ClientKeyFile == ""):
		return errors.New("ldap.tls.client_cert_file and client_key_file must be set together")
	}
	return nil
}

func (c *kerberosConfig) validate() error {
	switch {
	case c.Enabled && c.KeytabPath == "":
		return errors.New("keytab_path is required when kerberos is enabled")
	case c.Enabled && c.ServicePrincipal == "":
		return errors.New("service_principal is required when kerberos is enabled")
	case strings.ContainsAny(c.Realm, "@/ "):
		return fmt.Errorf("realm %q must not contain '@', '/', or spaces", c.Realm)
	case strings.ContainsAny(c.NetBIOSDomain, ".@/ "):
		return fmt.Errorf("netbios_domain %q must be a single label (no '.', '@', '/', or spaces)", c.NetBIOSDomain)
	case strings.ContainsAny(c.DNSDomain, "@/ "):
		return fmt.Errorf("dns_domain %q must not contain '@', '/', or spaces", c.DNSDomain)
	case c.MaxContexts < 0:
		return errors.New("max_contexts must be >= 0")
	}
	for name, v := range map[string]string{"max_clock_skew": c.MaxClockSkew, "context_ttl": c.ContextTTL} {
		if d, err := time.ParseDuration(v); v != "" && (err != nil || d < 0) {
			return fmt.Errorf("invalid %s %q", name, v)
		}
	}
	return nil
}

func (c ldapConfig) show() answer {
	c.BindPassword = hide(c.BindPassword)
	return ok(c)
}

func (c kerberosConfig) show() answer {
	c.MachineAccount.Secret = hide(c.MachineAccount.Secret)
	return ok(c)
}

func hide(secret string) string {
	if secret == "" {
		return ""
	}
	return masked
}

func listProviders(x *exchange) answer {
	return ok([]map[string]any{
		{"type": "ldap", "configured": x.db.ldapRow != nil, "enabled": x.db.ldapRow != nil && x.db.ldapRow.Enabled},
		{"type": "kerberos", "configured": x.db.kerberosRow != nil, "enabled": x.db.kerberosRow != nil && x.db.kerberosRow.Enabled},
	})
}

func getProvider(x *exchange) answer {
	switch t := x.params["type"]; {
	case t == "ldap" && x.db.ldapRow != nil:
		return x.db.ldapRow.show()
	case t == "kerberos" && x.db.kerberosRow != nil:
		return x.db.kerberosRow.show()
	case t == "ldap" || t == "kerberos":
		return notFound("Identity provider not configured")
	}
	return notFound("Unknown identity provider type")
}

func putProvider(x *exchange) answer {
	switch x.params["type"] {
	case "ldap":
		return x.putLDAP()
	case "kerberos":
		return x.putKerberos()
	}
	return notFound("Unknown identity provider type")
}

// putLDAP takes effect at once. An empty or masked password keeps the stored one.
func (x *exchange) putLDAP() answer {
	var c ldapConfig
	if refusal, ok := x.decode(&c); !ok {
		return refusal
	}
	if c.Timeout != "" {
		if _, err := time.ParseDuration(c.Timeout); err != nil {
			return badRequest("invalid timeout %q: %v", c.Timeout, err)
		}
	}
	if (c.BindPassword == "" || c.BindPassword == masked) && x.db.ldapRow != nil {
		c.BindPassword = x.db.ldapRow.BindPassword
	} else if c.BindPassword == masked {
		c.BindPassword = ""
	}
	if c.UserAttr == "" {
		c.UserAttr = "sAMAccountName"
	}
	if c.Idmap == "" {
		c.Idmap = "rfc2307"
	}
	if c.Timeout == "" {
		c.Timeout = "10s"
	}
	if c.MaxGroupResults == 0 {
		c.MaxGroupResults = 200
	}
	if err := c.validate(); err != nil {
		return badRequest("%v", err)
	}
	x.db.ldapRow = &c
	return c.show()
}

// putKerberos says in a header that principal and keytab wait for a restart.
func (x *exchange) putKerberos() answer {
	var c kerberosConfig
	if refusal, ok := x.decode(&c); !ok {
		return refusal
	}
	if err := c.validate(); err != nil {
		return badRequest("%v", err)
	}
	if m := &c.MachineAccount; m.Secret == "" || m.Secret == masked {
		m.Secret = ""
		if x.db.kerberosRow != nil {
			m.Secret = x.db.kerberosRow.MachineAccount.Secret
		}
	}
	x.db.kerberosRow = &c
	return c.show().with("X-DittoFS-Apply", "restart-required")
}
