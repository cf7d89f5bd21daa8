// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"cmp"
	"errors"
	"time"
)

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
	c.applyDefaults()
	if err := c.validate(); err != nil {
		return badRequest("%v", err)
	}
	x.db.ldapRow = &c
	return c.show()
}

func (c *ldapConfig) applyDefaults() {
	c.UserAttr = cmp.Or(c.UserAttr, "sAMAccountName")
	c.Idmap = cmp.Or(c.Idmap, "rfc2307")
	c.Timeout = cmp.Or(c.Timeout, "10s")
	c.MaxGroupResults = cmp.Or(c.MaxGroupResults, 200)
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

// testProvider stores nothing, and says of every outcome 200. Nobody is called: a valid configuration works.
func testProvider(x *exchange) answer {
	var err error
	switch x.params["type"] {
	case "ldap":
		var c ldapConfig
		if refusal, ok := x.decode(&c); !ok {
			return refusal
		}
		if x.db.ldapRow != nil && (c.BindPassword == "" || c.BindPassword == masked) {
			c.BindPassword = x.db.ldapRow.BindPassword
		}
		c.applyDefaults()
		err = c.validate()
	case "kerberos":
		var c kerberosConfig
		if refusal, ok := x.decode(&c); !ok {
			return refusal
		}
		if err = c.validate(); err == nil && c.KeytabPath == "" {
			err = errors.New("keytab_path is required")
		}
	default:
		return notFound("Unknown identity provider type")
	}
	if err != nil {
		return ok(map[string]any{"ok": false, "stage": "validate", "message": err.Error()})
	}
	return ok(map[string]any{"ok": true, "message": "the stand-in calls nobody"})
}
