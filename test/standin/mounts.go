// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// place is where a path of the container lies.
type place struct {
	volume *corev1.Volume // nil: the container's own layer
	rel    string         // path within the volume
}

// locate finds the volume that a path lies in: the deepest mount wins.
func locate(pod *corev1.Pod, c *corev1.Container, file string) place {
	file = path.Clean(file)
	best := -1
	var found place
	for i := range c.VolumeMounts {
		m := &c.VolumeMounts[i]
		at := path.Clean(m.MountPath)
		if file != at && !strings.HasPrefix(file, strings.TrimSuffix(at, "/")+"/") || len(at) <= best {
			continue
		}
		for j := range pod.Spec.Volumes {
			if pod.Spec.Volumes[j].Name == m.Name {
				best = len(at)
				found = place{&pod.Spec.Volumes[j], strings.TrimPrefix(path.Join(m.SubPath, strings.TrimPrefix(file, at)), "/")}
			}
		}
	}
	return found
}

// errNotMounted says that no Secret or ConfigMap is at a path, so that its content cannot be known here.
var errNotMounted = errors.New("not in a Secret or ConfigMap volume")

// read returns the content of a file that is mounted from a Secret or ConfigMap.
func (r *podReader) read(ctx context.Context, c *corev1.Container, file string) ([]byte, error) {
	at := locate(r.pod, c, file)
	if at.volume == nil {
		return nil, fmt.Errorf("open %s: no such file or directory", file)
	}
	files, err := r.files(ctx, at.volume)
	if err != nil {
		return nil, err
	}
	if content, ok := files[at.rel]; ok {
		return content, nil
	}
	return nil, fmt.Errorf("open %s: no such file or directory", file)
}

// files is the content of a volume by path.
func (r *podReader) files(ctx context.Context, v *corev1.Volume) (map[string][]byte, error) {
	switch {
	case v.Secret != nil:
		data, err := r.secret(ctx, v.Secret.SecretName)
		return project(v.Name, "Secret "+v.Secret.SecretName, data, err, v.Secret.Items, v.Secret.Optional)
	case v.ConfigMap != nil:
		data, err := r.configMap(ctx, v.ConfigMap.Name)
		return project(v.Name, "ConfigMap "+v.ConfigMap.Name, data, err, v.ConfigMap.Items, v.ConfigMap.Optional)
	case v.Projected != nil:
		all := map[string][]byte{}
		for _, src := range v.Projected.Sources {
			var part map[string][]byte
			var err error
			switch {
			case src.Secret != nil:
				data, e := r.secret(ctx, src.Secret.Name)
				part, err = project(v.Name, "Secret "+src.Secret.Name, data, e, src.Secret.Items, src.Secret.Optional)
			case src.ConfigMap != nil:
				data, e := r.configMap(ctx, src.ConfigMap.Name)
				part, err = project(v.Name, "ConfigMap "+src.ConfigMap.Name, data, e, src.ConfigMap.Items, src.ConfigMap.Optional)
			}
			if err != nil {
				return nil, err
			}
			for k, content := range part {
				all[k] = content
			}
		}
		return all, nil
	}
	return nil, errNotMounted
}

func project(volume, what string, data map[string][]byte, err error, items []corev1.KeyToPath, optional *bool) (map[string][]byte, error) {
	if err != nil {
		return nil, err
	}
	if data == nil {
		if isTrue(optional) {
			return map[string][]byte{}, nil
		}
		return nil, fmt.Errorf("FailedMount: volume %s: %s does not exist", volume, what)
	}
	if len(items) == 0 {
		return data, nil
	}
	out := map[string][]byte{}
	for _, item := range items {
		content, ok := data[item.Key]
		if !ok {
			if isTrue(optional) {
				continue
			}
			return nil, fmt.Errorf("FailedMount: volume %s: %s has no key %s", volume, what, item.Key)
		}
		out[path.Clean(item.Path)] = content
	}
	return out, nil
}

// mountAll fails as the kubelet does when a volume of the container cannot be mounted.
func (r *podReader) mountAll(ctx context.Context, c *corev1.Container) error {
	for _, m := range c.VolumeMounts {
		for i := range r.pod.Spec.Volumes {
			v := &r.pod.Spec.Volumes[i]
			if v.Name != m.Name {
				continue
			}
			if v.PersistentVolumeClaim != nil {
				if _, err := r.claimUID(ctx, v); err != nil {
					return err
				}
				continue
			}
			if _, err := r.files(ctx, v); err != nil && !errors.Is(err, errNotMounted) {
				return err
			}
		}
	}
	return nil
}

// claimUID is the identity of a claim. The same name with another UID is another, empty volume.
func (r *podReader) claimUID(ctx context.Context, v *corev1.Volume) (string, error) {
	name := v.PersistentVolumeClaim.ClaimName
	claim, err := r.client.CoreV1().PersistentVolumeClaims(r.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", fmt.Errorf("FailedMount: volume %s: claim %s does not exist", v.Name, name)
	}
	if err != nil {
		return "", fmt.Errorf("read claim %s: %w", name, err)
	}
	return string(claim.UID), nil
}
