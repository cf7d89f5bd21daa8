// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// podReader reads what a kubelet reads to start a container of the pod, each object once.
type podReader struct {
	client     kubernetes.Interface
	pod        *corev1.Pod
	secrets    map[string]map[string][]byte
	configMaps map[string]map[string][]byte
}

func newPodReader(client kubernetes.Interface, pod *corev1.Pod) *podReader {
	return &podReader{client, pod, map[string]map[string][]byte{}, map[string]map[string][]byte{}}
}

// secret returns the data of a Secret, nil when it does not exist.
func (r *podReader) secret(ctx context.Context, name string) (map[string][]byte, error) {
	if data, ok := r.secrets[name]; ok {
		return data, nil
	}
	s, err := r.client.CoreV1().Secrets(r.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		r.secrets[name] = nil
	case err != nil:
		return nil, fmt.Errorf("read Secret %s: %w", name, err)
	default:
		r.secrets[name] = maps.Clone(s.Data)
		if r.secrets[name] == nil {
			r.secrets[name] = map[string][]byte{}
		}
	}
	return r.secrets[name], nil
}

// configMap returns the data of a ConfigMap, nil when it does not exist.
func (r *podReader) configMap(ctx context.Context, name string) (map[string][]byte, error) {
	if data, ok := r.configMaps[name]; ok {
		return data, nil
	}
	c, err := r.client.CoreV1().ConfigMaps(r.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		r.configMaps[name] = nil
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read ConfigMap %s: %w", name, err)
	}
	data := map[string][]byte{}
	maps.Copy(data, c.BinaryData)
	for k, v := range c.Data {
		data[k] = []byte(v)
	}
	r.configMaps[name] = data
	return data, nil
}

// environment is the environment that the container starts with.
func (r *podReader) environment(ctx context.Context, c *corev1.Container) (map[string]string, error) {
	env, err := r.serviceLinks(ctx)
	if err != nil {
		return nil, err
	}
	for _, from := range c.EnvFrom {
		if err := r.addAll(ctx, env, from); err != nil {
			return nil, err
		}
	}
	for _, e := range c.Env {
		value, set := e.Value, true
		if e.ValueFrom != nil {
			if value, set, err = r.valueFrom(ctx, e); err != nil {
				return nil, err
			}
		} else {
			value = expand(value, env)
		}
		if set {
			env[e.Name] = value
		}
	}
	return env, nil
}

func (r *podReader) addAll(ctx context.Context, env map[string]string, from corev1.EnvFromSource) error {
	var data map[string][]byte
	var what string
	var optional *bool
	var err error
	switch {
	case from.SecretRef != nil:
		what, optional = "Secret "+from.SecretRef.Name, from.SecretRef.Optional
		data, err = r.secret(ctx, from.SecretRef.Name)
	case from.ConfigMapRef != nil:
		what, optional = "ConfigMap "+from.ConfigMapRef.Name, from.ConfigMapRef.Optional
		data, err = r.configMap(ctx, from.ConfigMapRef.Name)
	}
	if err != nil {
		return err
	}
	if data == nil && what != "" && !isTrue(optional) {
		return fmt.Errorf("CreateContainerConfigError: %s does not exist", what)
	}
	for k, v := range data {
		env[from.Prefix+k] = string(v)
	}
	return nil
}

func (r *podReader) valueFrom(ctx context.Context, e corev1.EnvVar) (string, bool, error) {
	var data map[string][]byte
	var what, key string
	var optional *bool
	var err error
	switch ref := e.ValueFrom; {
	case ref.SecretKeyRef != nil:
		what, key, optional = "Secret "+ref.SecretKeyRef.Name, ref.SecretKeyRef.Key, ref.SecretKeyRef.Optional
		data, err = r.secret(ctx, ref.SecretKeyRef.Name)
	case ref.ConfigMapKeyRef != nil:
		what, key, optional = "ConfigMap "+ref.ConfigMapKeyRef.Name, ref.ConfigMapKeyRef.Key, ref.ConfigMapKeyRef.Optional
		data, err = r.configMap(ctx, ref.ConfigMapKeyRef.Name)
	case ref.FieldRef != nil:
		value, known := fieldValue(r.pod, ref.FieldRef.FieldPath)
		return value, known, nil
	default:
		return "", false, nil // resource fields: nothing of dfs is set from them
	}
	if err != nil {
		return "", false, err
	}
	value, ok := data[key]
	switch {
	case ok:
		return string(value), true, nil
	case isTrue(optional):
		return "", false, nil
	case data == nil:
		return "", false, fmt.Errorf("CreateContainerConfigError: %s, named by env %s, does not exist", what, e.Name)
	default:
		return "", false, fmt.Errorf("CreateContainerConfigError: %s has no key %s, named by env %s", what, key, e.Name)
	}
}

func fieldValue(pod *corev1.Pod, path string) (string, bool) {
	switch path {
	case "metadata.name":
		return pod.Name, true
	case "metadata.namespace":
		return pod.Namespace, true
	case "metadata.uid":
		return string(pod.UID), true
	case "spec.nodeName":
		return pod.Spec.NodeName, true
	case "status.podIP":
		return pod.Status.PodIP, true
	}
	return "", false
}

// serviceLinks is why a pod of dfs needs enableServiceLinks: false. A Service named dittofs-metrics in the namespace puts
// DITTOFS_METRICS_PORT=tcp://... into the environment, which dfs takes for the setting metrics.port and refuses.
func (r *podReader) serviceLinks(ctx context.Context) (map[string]string, error) {
	env := map[string]string{}
	if r.pod.Spec.EnableServiceLinks != nil && !*r.pod.Spec.EnableServiceLinks {
		return env, nil
	}
	for service, variable := range map[string]string{
		"dittofs-metrics":      "DITTOFS_METRICS_PORT",
		"dittofs-controlplane": "DITTOFS_CONTROLPLANE_PORT",
	} {
		s, err := r.client.CoreV1().Services(r.pod.Namespace).Get(ctx, service, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read Service %s: %w", service, err)
		}
		if len(s.Spec.Ports) > 0 && s.Spec.ClusterIP != corev1.ClusterIPNone {
			env[variable] = fmt.Sprintf("tcp://%s:%d", s.Spec.ClusterIP, s.Spec.Ports[0].Port)
		}
	}
	return env, nil
}

// expand replaces $(NAME) by variables defined before, as the kubelet does; $$ stands for $, unknown names stay.
func expand(value string, env map[string]string) string {
	var out []byte
	for i := 0; i < len(value); i++ {
		if value[i] != '$' || i+1 == len(value) {
			out = append(out, value[i])
			continue
		}
		if value[i+1] == '$' {
			out = append(out, '$')
			i++
			continue
		}
		end := -1
		if value[i+1] == '(' {
			for j := i + 2; j < len(value); j++ {
				if value[j] == ')' {
					end = j
					break
				}
			}
		}
		if end < 0 {
			out = append(out, '$')
			continue
		}
		if v, ok := env[value[i+2:end]]; ok {
			out = append(out, v...)
		} else {
			out = append(out, value[i:end+1]...)
		}
		i = end
	}
	return string(out)
}

func isTrue(b *bool) bool { return b != nil && *b }
