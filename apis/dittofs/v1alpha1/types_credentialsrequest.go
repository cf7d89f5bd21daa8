// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CredentialsRole is what a token may do in the dfs API.
// +enum
// +k8s:enum
type CredentialsRole string

const (
	// CredentialsOperator lists adapters and their ports, and nothing else.
	CredentialsOperator CredentialsRole = "operator"
	// CredentialsAdmin does everything, which includes making an account that outlives the token.
	CredentialsAdmin CredentialsRole = "admin"
)

const (
	// DefaultCredentialsSeconds is the life of a token for which the request asks no other, 15 minutes.
	DefaultCredentialsSeconds = 900
	// MaxCredentialsSeconds is the longest life of a token, 15 minutes.
	MaxCredentialsSeconds = 900
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// CredentialsRequest asks for a short-lived token of the REST API of one
// DittoServer. It is created at the subresource credentials of that server, and
// answered with the token in its status. It is not stored.
type CredentialsRequest struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`

	// Standard object's metadata. The name and the namespace are those of the
	// DittoServer. With a uid, only the server that has it answers.
	// More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata
	// +optional
	// +k8s:opaqueType
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the token that you want. An empty one is a token of the role
	// operator.
	// +optional
	Spec CredentialsRequestSpec `json:"spec,omitempty"`

	// status is the token.
	// +optional
	Status CredentialsRequestStatus `json:"status,omitempty,omitzero"`
}

// CredentialsRequestSpec is the token that is wanted.
type CredentialsRequestSpec struct {
	// role of the token, operator or admin. An operator lists adapters and
	// their ports. An admin may do everything, make other admins included, and
	// nothing but a new JWT secret ends what was made: it needs the verb
	// administer on dittoservers/credentials, and the verb get on the Secret
	// with the JWT secret. Default operator.
	// +optional
	// +default="operator"
	// +k8s:optional
	Role CredentialsRole `json:"role,omitempty"`

	// expirationSeconds is the life of the token, 60 to 900 seconds. Default
	// 900, or less where the class of the server allows less.
	// +optional
	// +k8s:optional
	// +k8s:minimum=60
	// +k8s:maximum=900
	ExpirationSeconds *int64 `json:"expirationSeconds,omitempty"`
}

// CredentialsRequestStatus is what the server answers.
type CredentialsRequestStatus struct {
	// token is for the header "Authorization: Bearer TOKEN" of a request to the
	// REST API. It is empty in the answer to a dry run.
	// +optional
	// +k8s:optional
	Token string `json:"token,omitempty"`

	// expirationTimestamp is when the token ends.
	// +optional
	// +k8s:opaqueType
	ExpirationTimestamp metav1.Time `json:"expirationTimestamp,omitempty,omitzero"`

	// username is whom the server's log names: k8s: and a hash of your name.
	// There is no account of that name in the server.
	// +optional
	// +k8s:optional
	Username string `json:"username,omitempty"`

	// endpoint is the address of the REST API within the cluster, as last seen
	// by the controller. Example: https://files-api.team-a.svc:8080.
	// +optional
	// +k8s:optional
	Endpoint string `json:"endpoint,omitempty"`
}
