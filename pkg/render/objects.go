// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Inputs is what the controller has to read from the host cluster before it can render.
type Inputs struct {
	// ConfigHash goes on the pod template.
	ConfigHash string

	// PostgresKeys are the optional keys (port, sslmode) that the postgres Secret has. A key that is there is made
	// required in the pod, so that a Secret that loses its sslmode stops the next start instead of turning off TLS.
	// Who could not read the Secret must not render: it would take the keys away.
	PostgresKeys map[string]bool

	// LiveClaimTemplates are those of the StatefulSet as it is; nil when there is no StatefulSet, and empty but not nil
	// for one without templates. They cannot be changed, so they are rendered as they are, whatever sizes and class the
	// spec has by now.
	LiveClaimTemplates []corev1.PersistentVolumeClaim

	// ContentClaimLater says that the StatefulSet lives without a template for the content volume, and that the volume may
	// come now: as an ordinary one, on a claim that the caller creates. While it is false such a StatefulSet is rendered
	// without the volume, as if the spec had none: the rest of the server is not held up by it. The caller says so.
	ContentClaimLater bool

	// ControllerPeers are who our controllers are to a NetworkPolicy; empty outside of a cluster.
	ControllerPeers []networkingv1.NetworkPolicyPeer

	// Adapters are the protocol adapters that run.
	Adapters []Adapter
}

// Adapter is a protocol adapter that runs in the server.
type Adapter struct {
	// Type is nfs or smb.
	Type string
	// Port that it listens on in the pod.
	Port int32
	// PortmapperPort is the port of the portmapper that comes with NFS, TCP and UDP; 0 while it is off.
	PortmapperPort int32
	// UDP says that NFS answers UDP on Port too.
	UDP bool
}

// Objects is everything that a server consists of in the host cluster, apart from generated Secrets and claims.
type Objects struct {
	ConfigMap       *corev1ac.ConfigMapApplyConfiguration
	HeadlessService *corev1ac.ServiceApplyConfiguration
	APIService      *corev1ac.ServiceApplyConfiguration
	StatefulSet     *appsv1ac.StatefulSetApplyConfiguration
}

// All renders the objects of a server. An error means that the spec cannot run as it is, and says which field.
func All(server *v1alpha1.DittoServer, in Inputs) (*Objects, error) {
	server = withDefaults(server)
	config, err := Config(server, in.LiveClaimTemplates)
	if err != nil {
		return nil, fmt.Errorf("rendering the configuration: %w", err)
	}
	set, err := statefulSet(server, in)
	if err != nil {
		return nil, fmt.Errorf("rendering the StatefulSet: %w", err)
	}
	return &Objects{
		ConfigMap:       configMap(server, config),
		HeadlessService: headlessService(server),
		APIService:      apiService(server),
		StatefulSet:     set,
	}, nil
}

func configMap(server *v1alpha1.DittoServer, config []byte) *corev1ac.ConfigMapApplyConfiguration {
	return corev1ac.ConfigMap(ConfigMapName(server.Name), server.Namespace).
		WithLabels(allLabels(server)).
		WithData(map[string]string{ConfigKey: string(config)})
}

// allLabels are the labels of an object: whose it is, and the labels of the pod, so that one selector finds everything.
func allLabels(server *v1alpha1.DittoServer) map[string]string {
	labels := ObjectLabels(server)
	for key, value := range SelectorLabels(server.Name) {
		labels[key] = value
	}
	return labels
}
