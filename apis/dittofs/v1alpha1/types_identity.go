// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// IdentitySpec is how callers of the dfs REST API, and users of files, prove who they are.
type IdentitySpec struct {
	// type is accepted, so that manifests of the DittoFS operator apply
	// unchanged: memory is its only value, and nothing depends on it.
	// +optional
	// +k8s:optional
	Type string `json:"type,omitempty"`

	// jwt is the signing of access tokens.
	// +optional
	JWT JWTSpec `json:"jwt,omitempty"`

	// admin is the first account of the server.
	// +optional
	Admin AdminSpec `json:"admin,omitempty"`

	// ldap lets users of a directory in.
	// +optional
	// +k8s:optional
	LDAP *LDAPSpec `json:"ldap,omitempty"`

	// kerberos lets users with Kerberos tickets in.
	// +optional
	// +k8s:optional
	Kerberos *KerberosSpec `json:"kerberos,omitempty"`
}

// JWTSpec sets up the access tokens of the dfs REST API.
type JWTSpec struct {
	// secretRef names the key that holds the signing secret, at least 32 bytes.
	// Left out, a Secret NAME-jwt-secret is generated where the installation
	// allows that. Whoever can read it is admin of the server.
	// +optional
	// +k8s:optional
	SecretRef *SecretKeyReference `json:"secretRef,omitempty"`

	// accessTokenDuration is the life of an access token as a Go duration,
	// at least 1m. Default 15m.
	// +optional
	// +default="15m"
	// +k8s:optional
	AccessTokenDuration string `json:"accessTokenDuration,omitempty"`

	// refreshTokenDuration is the life of a refresh token as a Go duration, not
	// shorter than accessTokenDuration. Default 168h.
	// +optional
	// +default="168h"
	// +k8s:optional
	RefreshTokenDuration string `json:"refreshTokenDuration,omitempty"`
}

// AdminSpec sets up the account that dfs creates at its first start.
type AdminSpec struct {
	// username is admin: dfs accepts no other name for its first account.
	// +optional
	// +default="admin"
	// +k8s:optional
	Username string `json:"username,omitempty"`

	// passwordSecretRef names the key that holds the first password in clear
	// text, 8 to 72 bytes. dfs reads it at its very first start only. Left out,
	// a Secret NAME-admin-bootstrap-credentials is generated where the
	// installation allows that.
	// +optional
	// +k8s:optional
	PasswordSecretRef *SecretKeyReference `json:"passwordSecretRef,omitempty"`
}
