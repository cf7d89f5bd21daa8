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
	// defaultPerconaUser is the database user of a spec that has not been through the API server, which sets it.
	defaultPerconaUser = "dittofs"
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

// MetricsName is the name of the Service in front of the metrics, and of the ServiceMonitor that finds it.
func MetricsName(server string) string { return server + "-metrics" }

// IngressName is the name of the Ingress that publishes the REST API.
func IngressName(server string) string { return server + "-api" }

// AdapterName is the name of the Service and of the NetworkPolicy of a protocol adapter.
func AdapterName(server, adapter string) string { return server + "-adapter-" + adapter }

// AdapterUDPServiceName is the name of the Service with the UDP ports of a protocol adapter: some load balancers refuse to
// mix them with TCP.
func AdapterUDPServiceName(server, adapter string) string {
	return AdapterName(server, adapter) + "-udp"
}

// BaselinePolicyName is the name of the NetworkPolicy for the REST API and the metrics.
func BaselinePolicyName(server string) string { return server + "-baseline" }

// PerconaClusterName is the name of the PerconaPGCluster that holds the database: the one that the spec refers to, or the
// one that is made.
func PerconaClusterName(server *v1alpha1.DittoServer) string {
	if ref := percona(server).ExistingClusterRef; ref != nil {
		return ref.Name
	}
	return server.Name + "-postgres"
}

// PerconaUserSecretName is the name of the Secret that the Percona operator makes for the database user, with the keys host,
// port, dbname, user and password.
func PerconaUserSecretName(server *v1alpha1.DittoServer) string {
	user := percona(server).UserName
	if user == "" {
		user = defaultPerconaUser
	}
	return PerconaClusterName(server) + "-pguser-" + user
}

// PerconaCASecret is the CA that signs the certificate of PostgreSQL: the user's reference, or what the Percona operator
// makes. That Secret holds the private key of PostgreSQL too: mount the one key, never the Secret.
func PerconaCASecret(server *v1alpha1.DittoServer) SecretKey {
	if ref := percona(server).CASecretRef; ref != nil {
		return SecretKey{Name: ref.Name, Key: ref.Key}
	}
	return SecretKey{Name: PerconaClusterName(server) + "-cluster-cert", Key: "ca.crt"}
}

// percona is what the spec says about PostgreSQL by Percona, empty if nothing.
func percona(server *v1alpha1.DittoServer) v1alpha1.PerconaSpec {
	if server.Spec.Percona == nil {
		return v1alpha1.PerconaSpec{}
	}
	return *server.Spec.Percona
}

// StatefulSetName is the name of the StatefulSet.
func StatefulSetName(server string) string { return server }

// PodName is the name of the only pod that the StatefulSet has.
func PodName(server string) string { return StatefulSetName(server) + "-0" }

// ClaimName is the name that the StatefulSet controller gives to the claim of a volume of the pod.
func ClaimName(volume, server string) string { return v1alpha1.ClaimName(volume, server) }

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
