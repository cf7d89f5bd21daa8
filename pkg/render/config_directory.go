// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"

// dfsLDAP is a seed, all of it. The password is in none of these files: it comes by the environment.
type dfsLDAP struct {
	Enabled        bool       `json:"enabled"`
	URL            string     `json:"url"`
	StartTLS       bool       `json:"start_tls"`
	AllowPlaintext bool       `json:"allow_plaintext"`
	BaseDN         string     `json:"base_dn"`
	BindDN         string     `json:"bind_dn"`
	UserAttr       string     `json:"user_attr,omitempty"`
	Realm          string     `json:"realm,omitempty"`
	Idmap          string     `json:"idmap,omitempty"`
	NestedGroups   bool       `json:"nested_groups"`
	TLS            dfsLDAPTLS `json:"tls"`
}

type dfsLDAPTLS struct {
	CACertFile         string `json:"ca_cert_file,omitempty"`
	InsecureSkipVerify bool   `json:"insecure_skip_verify"`
}

type dfsKerberos struct {
	Enabled          bool               `json:"enabled"`
	ServicePrincipal string             `json:"service_principal,omitempty"`
	Realm            string             `json:"realm,omitempty"`
	NetBIOSDomain    string             `json:"netbios_domain,omitempty"`
	DNSDomain        string             `json:"dns_domain,omitempty"`
	KeytabPath       string             `json:"keytab_path,omitempty"`
	Krb5Conf         string             `json:"krb5_conf,omitempty"`
	MachineAccount   *dfsMachineAccount `json:"machine_account,omitempty"`
}

type dfsMachineAccount struct {
	Enabled     bool     `json:"enabled"`
	AccountName string   `json:"account_name,omitempty"`
	KeytabPath  string   `json:"keytab_path,omitempty"`
	DCAddress   []string `json:"dc_address,omitempty"`
}

func ldapConfig(server *v1alpha1.DittoServer) *dfsLDAP {
	ldap := server.Spec.Identity.LDAP
	if ldap == nil {
		return nil
	}
	return &dfsLDAP{
		Enabled:        ldap.Enabled,
		URL:            ldap.URL,
		StartTLS:       ldap.StartTLS,
		AllowPlaintext: ldap.AllowPlaintext,
		BaseDN:         ldap.BaseDN,
		BindDN:         ldap.BindDN,
		UserAttr:       ldap.UserAttr,
		Realm:          ldap.Realm,
		Idmap:          string(ldap.Idmap),
		NestedGroups:   ldap.NestedGroups,
		TLS:            dfsLDAPTLS{CACertFile: ldap.CACertFile, InsecureSkipVerify: ldap.InsecureSkipVerify},
	}
}

// kerberosConfig names the files also while Kerberos is switched off: the database of the server may still say that it is
// on, and dfs, which believes the database, does not start without the keytab.
func kerberosConfig(server *v1alpha1.DittoServer) *dfsKerberos {
	kerberos := server.Spec.Identity.Kerberos
	if kerberos == nil {
		return nil
	}
	config := &dfsKerberos{
		Enabled:          kerberos.Enabled,
		ServicePrincipal: kerberos.ServicePrincipal,
		Realm:            kerberos.Realm,
		NetBIOSDomain:    kerberos.NetBIOSDomain,
		DNSDomain:        kerberos.DNSDomain,
		Krb5Conf:         kerberos.Krb5Conf,
	}
	if kerberos.KeytabSecretRef != nil {
		config.KeytabPath = inVolume(keytabVolume, keytabFileName)
	}
	if kerberos.Krb5ConfSecretRef != nil {
		config.Krb5Conf = inVolume(krb5ConfVolume, krb5ConfFileName)
	}
	if account := kerberos.MachineAccount; account != nil {
		config.MachineAccount = &dfsMachineAccount{
			// dfs itself would use the account with Kerberos switched off too.
			Enabled:     kerberos.Enabled && account.Enabled,
			AccountName: account.AccountName,
			DCAddress:   account.DCAddress,
		}
		if account.KeytabSecretRef != nil {
			config.MachineAccount.KeytabPath = inVolume(machineKeytabVolume, machineKeytabFile)
		}
	}
	return config
}
