// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +genclient
// +genclient:nonNamespaced
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DittoServerClass is what a platform team offers: defaults that the servers of
// the class get when they are created, and limits that hold for them at every
// later change too. A server names it in spec.className, for which its author
// needs the verb use on the class in the namespace of the server. One class can
// be the default: it has the annotation dittofs.io/is-default-class: "true".
type DittoServerClass struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`

	// Standard object's metadata. The name is a DNS subdomain.
	// More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata
	// +optional
	// +k8s:opaqueType
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the class gives and allows. It may change at any time: running
	// servers stay as they are, and their condition ClassConformant tells which of
	// them the class would not allow any more.
	// +optional
	Spec DittoServerClassSpec `json:"spec,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DittoServerClassList is a list of DittoServerClasses.
type DittoServerClassList struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`

	// Standard list metadata.
	// +optional
	// +k8s:opaqueType
	metav1.ListMeta `json:"metadata,omitempty"`

	// items is the list of DittoServerClasses.
	Items []DittoServerClass `json:"items"`
}

// DittoServerClassSpec is what a class gives and allows.
type DittoServerClassSpec struct {
	// description tells people what the class is for.
	// Example: Small file servers on replicated disks; no load balancers.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=4096
	Description string `json:"description,omitempty"`

	// defaults are written into a DittoServer when it is created, where its
	// author left the field out. After that they are fields like any other: a
	// later change of the class changes no server.
	// +optional
	Defaults ClassDefaults `json:"defaults,omitempty,omitzero"`

	// limits are what the servers of the class may be. A limit that is left out
	// allows everything. They are checked at create and at every change, for the
	// fields that change: a class that becomes narrower stops neither a running
	// server nor an edit of its other fields. Whoever has the verb override on
	// the class, in the namespace of the server, may go beyond them and is warned.
	// +optional
	Limits ClassLimits `json:"limits,omitempty,omitzero"`

	// reserved are the fields of the spec of a DittoServer that only those with
	// the verb override may set or change, by their paths without spec. Others
	// get the default. At most 64 paths.
	// Example: [rollout, networkPolicy, percona.backup].
	// +optional
	// +listType=set
	// +k8s:optional
	// +k8s:listType=set
	// +k8s:maxItems=64
	Reserved []string `json:"reserved,omitempty"`

	// access is what callers get of the dfs API through Kubernetes.
	// +optional
	Access ClassAccess `json:"access,omitempty,omitzero"`
}

// ClassAccess is what callers get of the dfs API through Kubernetes.
type ClassAccess struct {
	// credentials bounds the tokens that dittoservers/credentials issues.
	// +optional
	Credentials CredentialsAccess `json:"credentials,omitempty,omitzero"`

	// proxy serves dittoservers/proxy for servers of the class, to those who have
	// the verbs on it. Calls through it act as admin of the server. Default false.
	// +optional
	// +k8s:optional
	Proxy bool `json:"proxy,omitempty"`
}

// CredentialsAccess bounds the tokens that dittoservers/credentials issues.
type CredentialsAccess struct {
	// maxRole is the highest role of a token: operator or admin. An admin token
	// can make a permanent admin, and nothing but a new JWT secret takes that
	// back. Default operator.
	// +optional
	// +default="operator"
	// +k8s:optional
	MaxRole CredentialsRole `json:"maxRole,omitempty"`

	// maxDuration is the longest life of a token, a Go duration of 1m to 15m.
	// Default 15m.
	// +optional
	// +default="15m"
	// +k8s:optional
	MaxDuration string `json:"maxDuration,omitempty"`
}
