// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// IDMapping is how LDAP users get their numbers.
// +enum
// +k8s:enum
type IDMapping string

const (
	// IDMapRFC2307 reads uidNumber and gidNumber from the directory.
	IDMapRFC2307 IDMapping = "rfc2307"
	// IDMapRID derives the numbers from the security identifier.
	IDMapRID IDMapping = "rid"
)

// LDAPSpec lets users of a directory in. dfs reads it from its configuration at
// its first start only; later changes are made through the dfs API by the
// controller, without a restart.
type LDAPSpec struct {
	// enabled asks the directory. Taking the block away, or false, switches it
	// off in a server that knows it. Default false.
	// +optional
	// +k8s:optional
	Enabled bool `json:"enabled,omitempty"`

	// url of the directory: ldaps://HOST[:PORT], or ldap://HOST[:PORT] together
	// with startTLS or allowPlaintext.
	// +required
	// +k8s:required
	// +k8s:maxLength=2048
	URL string `json:"url"`

	// startTLS turns a connection to an ldap:// url into TLS. Default false.
	// +optional
	// +k8s:optional
	StartTLS bool `json:"startTLS,omitempty"`

	// allowPlaintext sends passwords over an ldap:// url in clear. Default false.
	// +optional
	// +k8s:optional
	AllowPlaintext bool `json:"allowPlaintext,omitempty"`

	// baseDN is where the search for users and groups starts. Example: dc=example,dc=com.
	// +required
	// +k8s:required
	BaseDN string `json:"baseDN"`

	// bindDN is the account that searches. Example: cn=dittofs,ou=services,dc=example,dc=com.
	// +required
	// +k8s:required
	BindDN string `json:"bindDN"`

	// bindPasswordSecretRef names the key with the password of bindDN; needed
	// when enabled.
	// +optional
	// +k8s:optional
	BindPasswordSecretRef *SecretKeyReference `json:"bindPasswordSecretRef,omitempty"`

	// userAttr is the attribute with the login name: a letter, then letters,
	// digits and hyphens. Default sAMAccountName, by dfs.
	// +optional
	// +k8s:optional
	UserAttr string `json:"userAttr,omitempty"`

	// realm of the users. Default: none.
	// +optional
	// +k8s:optional
	Realm string `json:"realm,omitempty"`

	// idmap is rfc2307 or rid. Default rfc2307, by dfs.
	// +optional
	// +k8s:optional
	Idmap IDMapping `json:"idmap,omitempty"`

	// nestedGroups follows groups within groups. Default false.
	// +optional
	// +k8s:optional
	NestedGroups bool `json:"nestedGroups,omitempty"`

	// caCertFile is the file in the pod with the CA of the directory. Mount it
	// with extraVolumes and extraVolumeMounts. Default: the CAs of the image.
	// +optional
	// +k8s:optional
	CACertFile string `json:"caCertFile,omitempty"`

	// insecureSkipVerify trusts any certificate of the directory. Default false.
	// +optional
	// +k8s:optional
	InsecureSkipVerify bool `json:"insecureSkipVerify,omitempty"`
}

// KerberosSpec lets users with Kerberos tickets in. dfs reads it from its
// configuration at its first start only; later changes are made through the
// dfs API by the controller, and a new principal or keytab needs a restart.
type KerberosSpec struct {
	// enabled accepts tickets. Default false.
	// +optional
	// +k8s:optional
	Enabled bool `json:"enabled,omitempty"`

	// servicePrincipal of the server; needed when enabled.
	// Example: nfs/files.example.com@EXAMPLE.COM.
	// +optional
	// +k8s:optional
	ServicePrincipal string `json:"servicePrincipal,omitempty"`

	// realm without '@', '/' and spaces. Default: the part of servicePrincipal
	// after '@'. Example: EXAMPLE.COM.
	// +optional
	// +k8s:optional
	Realm string `json:"realm,omitempty"`

	// netbiosDomain is the short name of the domain, one label. Example: EXAMPLE.
	// +optional
	// +k8s:optional
	NetBIOSDomain string `json:"netbiosDomain,omitempty"`

	// dnsDomain is the DNS name of the domain. Default: the realm in lower case.
	// +optional
	// +k8s:optional
	DNSDomain string `json:"dnsDomain,omitempty"`

	// krb5Conf is the file in the pod with the Kerberos configuration, if
	// krb5ConfSecretRef does not bring one. Default /etc/krb5.conf, by dfs.
	// +optional
	// +k8s:optional
	Krb5Conf string `json:"krb5Conf,omitempty"`

	// keytabSecretRef names the key with the keytab; needed when enabled.
	// +optional
	// +k8s:optional
	KeytabSecretRef *SecretKeyReference `json:"keytabSecretRef,omitempty"`

	// krb5ConfSecretRef names the key with the Kerberos configuration.
	// +optional
	// +k8s:optional
	Krb5ConfSecretRef *SecretKeyReference `json:"krb5ConfSecretRef,omitempty"`

	// machineAccount is the account of this server in an Active Directory,
	// which NTLM logins are checked with.
	// +optional
	// +k8s:optional
	MachineAccount *MachineAccountSpec `json:"machineAccount,omitempty"`
}

// MachineAccountSpec is the account of a server in an Active Directory. It is
// used only while Kerberos is enabled.
type MachineAccountSpec struct {
	// enabled uses the account. Default false.
	// +optional
	// +k8s:optional
	Enabled bool `json:"enabled,omitempty"`

	// accountName of the machine; needed when enabled. Example: FILES$.
	// +optional
	// +k8s:optional
	AccountName string `json:"accountName,omitempty"`

	// secretRef names the key with the password of the account. One of
	// secretRef and keytabSecretRef is needed when enabled.
	// +optional
	// +k8s:optional
	SecretRef *SecretKeyReference `json:"secretRef,omitempty"`

	// keytabSecretRef names the key with the keytab of the account.
	// +optional
	// +k8s:optional
	KeytabSecretRef *SecretKeyReference `json:"keytabSecretRef,omitempty"`

	// dcAddress are the domain controllers to ask, as HOST or HOST:PORT.
	// Default: found by DNS.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=16
	DCAddress []string `json:"dcAddress,omitempty"`
}
