// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"cmp"
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

// kerberos is the Kerberos configuration of file and environment. Only there the realm is derived from the principal: what
// is put into the API later is taken as it is.
func (s settings) kerberos() *kerberosConfig {
	c := &kerberosConfig{
		Enabled: s.on("kerberos.enabled"), KeytabPath: s.str("kerberos.keytab_path"), ServicePrincipal: s.str("kerberos.service_principal"),
		Realm: s.str("kerberos.realm"), NetBIOSDomain: s.str("kerberos.netbios_domain"), DNSDomain: s.str("kerberos.dns_domain"),
		Krb5Conf:     s.str("kerberos.krb5_conf"),
		MaxClockSkew: cmp.Or(s.duration("kerberos.max_clock_skew"), 5*time.Minute).String(),
		ContextTTL:   cmp.Or(s.duration("kerberos.context_ttl"), 8*time.Hour).String(),
		MaxContexts:  cmp.Or(s.num("kerberos.max_contexts"), 10000),
		MachineAccount: machineAccount{Enabled: s.on("kerberos.machine_account.enabled"), AccountName: s.str("kerberos.machine_account.account_name"),
			KeytabPath: s.str("kerberos.machine_account.keytab_path"), Secret: s.str("kerberos.machine_account.secret")},
	}
	if at := strings.LastIndex(c.ServicePrincipal, "@"); c.Realm == "" && at >= 0 {
		c.Realm = c.ServicePrincipal[at+1:]
	}
	c.DNSDomain = cmp.Or(c.DNSDomain, strings.ToLower(c.Realm))
	addresses, _ := s["kerberos.machine_account.dc_address"].([]any)
	for _, a := range addresses {
		if text, ok := a.(string); ok {
			c.MachineAccount.DCAddress = append(c.MachineAccount.DCAddress, text)
		}
	}
	return c
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
