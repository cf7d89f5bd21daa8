// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// preStopSeconds is how long the pod goes on serving after it has been taken out of the Services, until every node has
// heard of it. dfs closes its API the moment it is told to stop.
const preStopSeconds int64 = 5

func dfsContainer(server *v1alpha1.DittoServer, in Inputs, volumes map[string]bool) (*corev1ac.ContainerApplyConfiguration, error) {
	env, err := environment(server, in)
	if err != nil {
		return nil, err
	}
	mounts, err := volumeMounts(server, volumes)
	if err != nil {
		return nil, err
	}
	security, err := containerSecurityContext(server)
	if err != nil {
		return nil, err
	}
	container := corev1ac.Container().
		WithName(ContainerName).
		WithImage(server.Spec.Image).
		WithCommand("/app/dfs").
		WithArgs("start", "--foreground", "--config", inVolume(configVolume, ConfigKey)).
		WithEnv(env...).
		WithPorts(containerPorts(server)...).
		WithStartupProbe(startupProbe(server)).
		WithLivenessProbe(livenessProbe(server)).
		WithReadinessProbe(readinessProbe(server)).
		// The kubelet sleeps, so that the image needs no shell. The action is GA in Kubernetes 1.34, our oldest host.
		WithLifecycle(corev1ac.Lifecycle().
			WithPreStop(corev1ac.LifecycleHandler().
				WithSleep(corev1ac.SleepAction().WithSeconds(preStopSeconds)))).
		WithSecurityContext(security).
		WithVolumeMounts(mounts...)
	if policy := server.Spec.ImagePullPolicy; policy != "" {
		container.WithImagePullPolicy(policy)
	}
	resources, err := resourceRequirements(server)
	if err != nil {
		return nil, err
	}
	if resources != nil {
		container.WithResources(resources)
	}
	return container, nil
}

// containerPorts does not list the ports of protocol adapters: they live in the database of the server, and each change
// would restart the pod for what is no more than a note.
func containerPorts(server *v1alpha1.DittoServer) []*corev1ac.ContainerPortApplyConfiguration {
	ports := []*corev1ac.ContainerPortApplyConfiguration{containerPort(apiPortName, *server.Spec.ControlPlane.Port)}
	if metrics := enabledMetrics(server); metrics != nil {
		ports = append(ports, containerPort(metricsPortName, *metrics.Port))
	}
	return ports
}

func containerPort(name string, port int32) *corev1ac.ContainerPortApplyConfiguration {
	return corev1ac.ContainerPort().WithName(name).WithContainerPort(port).WithProtocol(corev1.ProtocolTCP)
}

// containerSecurityContext meets the restricted Pod Security Standard, unless the user sets something else.
func containerSecurityContext(server *v1alpha1.DittoServer) (*corev1ac.SecurityContextApplyConfiguration, error) {
	security, err := overlaid(corev1ac.SecurityContext().
		WithAllowPrivilegeEscalation(false).
		WithCapabilities(corev1ac.Capabilities().WithDrop("ALL")).
		// Everything that dfs writes is on a volume or in /tmp. A store that somebody puts elsewhere is refused when it is
		// created, instead of being lost at the next restart.
		WithReadOnlyRootFilesystem(true), server.Spec.SecurityContext)
	if err != nil {
		return nil, fmt.Errorf("spec.securityContext: %w", err)
	}
	return security, nil
}

// resourceRequirements is nil when nothing is asked for, and has no empty list: an empty one would not come back.
func resourceRequirements(server *v1alpha1.DittoServer) (*corev1ac.ResourceRequirementsApplyConfiguration, error) {
	r := server.Spec.Resources
	if r == nil {
		return nil, nil
	}
	if len(r.Claims) > 0 {
		return nil, field.Forbidden(field.NewPath("spec", "resources", "claims"), "dynamic resources are not supported: leave it out")
	}
	if len(r.Limits)+len(r.Requests) == 0 {
		return nil, nil
	}
	resources := corev1ac.ResourceRequirements()
	if len(r.Limits) > 0 {
		resources.WithLimits(storedQuantities(r.Limits))
	}
	if len(r.Requests) > 0 {
		resources.WithRequests(storedQuantities(r.Requests))
	}
	return resources, nil
}
