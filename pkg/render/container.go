// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"path"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

const (
	configVolume = "config"
	configPath   = "/config"
	tmpVolume    = "tmp"
	tmpPath      = "/tmp"

	// dfsUser is the user and group that the image is built for.
	dfsUser int64 = 65532

	// preStopSeconds is how long the pod goes on serving after it has been taken out of the Services, until every node has
	// heard of it. dfs closes its API the moment it is told to stop.
	preStopSeconds int64 = 5
	// terminationGraceSeconds lets dfs finish: three stages of shutdownTimeout, 5 s of its own, and some air.
	terminationGraceSeconds = preStopSeconds + 3*int64(shutdownTimeout/time.Second) + 10
)

func dfsContainer(server *v1alpha1.DittoServer, in Inputs, volumes map[string]bool) (*corev1ac.ContainerApplyConfiguration, error) {
	container := corev1ac.Container().
		WithName(ContainerName).
		WithImage(server.Spec.Image).
		WithCommand("/app/dfs").
		WithArgs("start", "--foreground", "--config", path.Join(configPath, ConfigKey)).
		WithEnv(environment(server, in)...).
		// The ports of protocol adapters are not listed: they live in the database of the server, and each change would
		// restart the pod for what is no more than a note.
		WithPorts(corev1ac.ContainerPort().
			WithName(apiPortName).
			WithContainerPort(*server.Spec.ControlPlane.Port).
			WithProtocol(corev1.ProtocolTCP)).
		WithStartupProbe(startupProbe()).
		WithLivenessProbe(livenessProbe()).
		WithReadinessProbe(readinessProbe()).
		// The kubelet sleeps, so that the image needs no shell. The action is GA in Kubernetes 1.34, our oldest host.
		WithLifecycle(corev1ac.Lifecycle().
			WithPreStop(corev1ac.LifecycleHandler().
				WithSleep(corev1ac.SleepAction().WithSeconds(preStopSeconds)))).
		WithSecurityContext(corev1ac.SecurityContext().
			WithAllowPrivilegeEscalation(false).
			WithCapabilities(corev1ac.Capabilities().WithDrop("ALL")).
			// Everything that dfs writes is on a volume or in /tmp. A store that somebody puts elsewhere is refused when it is
			// created, instead of being lost at the next restart.
			WithReadOnlyRootFilesystem(true)).
		WithVolumeMounts(volumeMounts(volumes)...)
	resources, err := resourceRequirements(server)
	if err != nil {
		return nil, err
	}
	if resources != nil {
		container.WithResources(resources)
	}
	return container, nil
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

// environment carries what must not be in the ConfigMap.
func environment(server *v1alpha1.DittoServer, in Inputs) []*corev1ac.EnvVarApplyConfiguration {
	env := []*corev1ac.EnvVarApplyConfiguration{
		secretEnv("DITTOFS_CONTROLPLANE_SECRET", JWTSecret(server), false),
		// Optional, because dfs reads it only while its database is empty: years later a pod must not hang in
		// CreateContainerConfigError for a Secret that somebody tidied away. At the first start it has to be there, else the
		// admin gets a random password that nobody learns: the controller makes sure of that before it makes the StatefulSet.
		secretEnv("DITTOFS_ADMIN_INITIAL_PASSWORD", AdminPassword(server), true),
	}
	ref := server.Spec.Database.PostgresSecretRef
	if ref == nil {
		return env
	}
	for _, key := range postgresKeys {
		env = append(env, postgresEnv(ref.Name, key))
	}
	for _, key := range postgresOptionalKeys {
		if in.PostgresKeys[key] {
			env = append(env, postgresEnv(ref.Name, key))
		}
	}
	return env
}

func postgresEnv(secret, key string) *corev1ac.EnvVarApplyConfiguration {
	return secretEnv("DITTOFS_DATABASE_POSTGRES_"+strings.ToUpper(key), SecretKey{Name: secret, Key: key}, false)
}

func secretEnv(name string, from SecretKey, optional bool) *corev1ac.EnvVarApplyConfiguration {
	selector := corev1ac.SecretKeySelector().WithName(from.Name).WithKey(from.Key)
	if optional {
		selector.WithOptional(true)
	}
	return corev1ac.EnvVar().WithName(name).WithValueFrom(corev1ac.EnvVarSource().WithSecretKeyRef(selector))
}

// volumeMounts mounts every claim that the pod has, also one that the spec does not ask for: a StatefulSet that was made
// with it may have data on it.
func volumeMounts(volumes map[string]bool) []*corev1ac.VolumeMountApplyConfiguration {
	var mounts []*corev1ac.VolumeMountApplyConfiguration
	for _, volume := range []string{metadataVolume, contentVolume, controlPlaneVolume} {
		if volumes[volume] {
			mounts = append(mounts, corev1ac.VolumeMount().WithName(volume).WithMountPath(mountPaths[volume]))
		}
	}
	return append(mounts,
		corev1ac.VolumeMount().WithName(configVolume).WithMountPath(configPath).WithReadOnly(true),
		corev1ac.VolumeMount().WithName(tmpVolume).WithMountPath(tmpPath))
}

// startupProbe allows an hour. dfs opens its port only when every share is loaded, and waits about 160 s for each S3 remote
// that does not answer: a shorter budget turns somebody else's outage into a crash loop.
func startupProbe() *corev1ac.ProbeApplyConfiguration {
	return probe("/health", 10, 360)
}

// livenessProbe asks whether the process answers. /health is 200 with a database that is down too: a restart would not help.
func livenessProbe() *corev1ac.ProbeApplyConfiguration {
	return probe("/health", 10, 3)
}

func readinessProbe() *corev1ac.ProbeApplyConfiguration {
	return probe("/health/ready", 5, 3)
}

func probe(path string, periodSeconds, failures int32) *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().
		WithHTTPGet(corev1ac.HTTPGetAction().WithPath(path).WithPort(intstr.FromString(apiPortName))).
		WithPeriodSeconds(periodSeconds).
		// /health waits up to 2 s for the database.
		WithTimeoutSeconds(5).
		WithFailureThreshold(failures)
}
