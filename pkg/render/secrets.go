// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// GeneratedSecret is a Secret of credentials that the caller has generated. It is for a create and never for an update: what
// is in the database of a server outlives our store, and a second password would not open it. It is not immutable, so that
// a user can rotate it.
func GeneratedSecret(server *v1alpha1.DittoServer, name string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{
			Name:      name,
			Namespace: server.Namespace,
			Labels:    allLabels(server),
		},
		Type: corev1.SecretTypeOpaque,
		Data: maps.Clone(data),
	}
}
