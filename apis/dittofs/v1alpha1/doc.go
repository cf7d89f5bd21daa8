// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// +k8s:deepcopy-gen=package,register
// +k8s:defaulter-gen=TypeMeta
// +k8s:validation-gen=TypesWithField=TypeMeta
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=io.dittofs.v1alpha1
// +groupName=dittofs.io

// Package v1alpha1 holds the kinds of the group dittofs.io as users write them:
// Go types, their defaults and the field rules that need no other field.
// It imports apimachinery and k8s.io/api only, never an API server or a client.
package v1alpha1
