// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"

// Names, labels and keys are those of the DittoFS operator: a server that it set up is taken over in place, with its
// volumes, its Services and its credentials. Changing one of them orphans the objects of every installed server.
const (
	// JWTSecretKey is the key of the signing secret in a generated JWT Secret.
	JWTSecretKey = "jwt-secret"
	// AdminUsernameKey and AdminPasswordKey are the keys of generated admin credentials.
	AdminUsernameKey = "username"
	AdminPasswordKey = "password"
	// ConfigKey is the key of the ConfigMap, and the name of the file in the pod.
	ConfigKey = "config.yaml"
	// ContainerName is the container that runs dfs.
	ContainerName = "dittofs"
)

// ConfigMapName is the name of the ConfigMap with the configuration file.
func ConfigMapName(server string) string { return server + "-config" }

// HeadlessServiceName is the name of the Service that gives the pod its DNS name.
func HeadlessServiceName(server string) string { return server + "-headless" }

// APIServiceName is the name of the Service in front of the REST API.
func APIServiceName(server string) string { return server + "-api" }

// JWTSecretName is the name of the Secret generated when spec.identity.jwt.secretRef is not set.
func JWTSecretName(server string) string { return server + "-jwt-secret" }

// AdminSecretName is the name of the Secret generated when spec.identity.admin.passwordSecretRef is not set.
func AdminSecretName(server string) string { return server + "-admin-bootstrap-credentials" }

// StatefulSetName is the name of the StatefulSet.
func StatefulSetName(server string) string { return server }

// PodName is the name of the only pod that the StatefulSet has.
func PodName(server string) string { return StatefulSetName(server) + "-0" }

// ClaimName is the name that the StatefulSet controller gives to the claim of a volume of the pod.
func ClaimName(volume, server string) string { return volume + "-" + PodName(server) }

// SelectorLabels select the pod. A StatefulSet cannot change its selector, so they are fixed for good.
func SelectorLabels(server string) map[string]string {
	return map[string]string{
		v1alpha1.LabelApp:      v1alpha1.AppName,
		v1alpha1.LabelInstance: server,
	}
}

// ObjectLabels say whose an object is. They go on objects only, never on a pod or claim template: the UID is another one
// after the loss of our store, and must not restart anything then.
func ObjectLabels(server *v1alpha1.DittoServer) map[string]string {
	return map[string]string{
		v1alpha1.LabelManagedBy: v1alpha1.ManagedBy,
		v1alpha1.LabelServer:    server.Name,
		v1alpha1.LabelServerUID: string(server.UID),
	}
}
