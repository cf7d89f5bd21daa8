// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// kubelet turns a pod template into a process, with no more than the objects that the template names. Paths, users, modes and
// environment are those of the template.
type kubelet struct {
	dir        string // everything of the pod is below it; claims outlive the pod
	secrets    map[string]map[string]string
	configMaps map[string]map[string]string
}

// command is the process of a container, to be started.
func (k kubelet) command(template *corev1.PodTemplateSpec, name string) (*exec.Cmd, error) {
	at := slices.IndexFunc(template.Spec.Containers, func(c corev1.Container) bool { return c.Name == name })
	if at < 0 {
		return nil, fmt.Errorf("the pod has no container %s", name)
	}
	spec := &template.Spec.Containers[at]
	security := template.Spec.SecurityContext
	c := container{
		Root: filepath.Join(k.dir, "root"), Args: slices.Concat(spec.Command, spec.Args),
		UID: int(ptr.Deref(security.RunAsUser, 0)), GID: int(ptr.Deref(security.RunAsGroup, 0)),
		Groups:   []int{int(ptr.Deref(security.FSGroup, 0))},
		ReadOnly: ptr.Deref(spec.SecurityContext.ReadOnlyRootFilesystem, false),
	}
	var err error
	if c.Env, err = k.environment(spec); err != nil {
		return nil, err
	}
	// What the image brings along, as far as dfs looks at it.
	c.Mounts = []bind{
		{From: dfsBinary, To: c.Args[0], ReadOnly: true}, {From: "/etc/hosts", To: "/etc/hosts", ReadOnly: true},
		{From: "/proc", To: "/proc"}, {From: "/dev", To: "/dev"}, {From: "/sys", To: "/sys"},
	}
	for _, m := range spec.VolumeMounts {
		at := slices.IndexFunc(template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		if at < 0 {
			return nil, fmt.Errorf("the pod has no volume %s", m.Name)
		}
		from, err := k.volume(&template.Spec.Volumes[at], c.Groups[0])
		if err != nil {
			return nil, fmt.Errorf("volume %s: %w", m.Name, err)
		}
		c.Mounts = append(c.Mounts, bind{From: from, To: m.MountPath, ReadOnly: m.ReadOnly})
	}
	if err := mountPoints(c); err != nil {
		return nil, err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{podVariable + "=" + string(text)}
	return cmd, nil
}

// mountPoints makes what is mounted on: a file for a file, a directory for a directory.
func mountPoints(c container) error {
	if err := os.MkdirAll(c.Root, 0o755); err != nil {
		return err
	}
	for _, m := range c.Mounts {
		info, err := os.Stat(m.From)
		if err != nil {
			return err
		}
		to := filepath.Join(c.Root, m.To)
		if !info.IsDir() {
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(to, nil, 0o644); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
	}
	return nil
}

func (k kubelet) environment(c *corev1.Container) ([]string, error) {
	env := []string{"PATH=/bin", "HOME=/app", "HOSTNAME=" + c.Name}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			env = append(env, e.Name+"="+e.Value)
			continue
		}
		ref := e.ValueFrom.SecretKeyRef
		if ref == nil {
			return nil, fmt.Errorf("env %s: only Secrets are known here", e.Name)
		}
		value, found := k.secrets[ref.Name][ref.Key]
		switch {
		case found:
			env = append(env, e.Name+"="+value)
		case !ptr.Deref(ref.Optional, false):
			return nil, fmt.Errorf("CreateContainerConfigError: env %s: Secret %s has no key %s", e.Name, ref.Name, ref.Key)
		}
	}
	return env, nil
}

// volume is the directory of a volume. Files of Secrets belong to root and to the group of the pod.
func (k kubelet) volume(v *corev1.Volume, group int) (string, error) {
	switch {
	case v.PersistentVolumeClaim != nil:
		return k.writable("claims/"+v.PersistentVolumeClaim.ClaimName, group)
	case v.EmptyDir != nil:
		return k.writable("empty/"+v.Name, group)
	case v.Secret != nil:
		mode := os.FileMode(ptr.Deref(v.Secret.DefaultMode, 0o644))
		return k.files(v.Name, k.secrets[v.Secret.SecretName], v.Secret.Items, mode, ptr.Deref(v.Secret.Optional, false), group)
	case v.ConfigMap != nil:
		mode := os.FileMode(ptr.Deref(v.ConfigMap.DefaultMode, 0o644))
		return k.files(v.Name, k.configMaps[v.ConfigMap.Name], v.ConfigMap.Items, mode, ptr.Deref(v.ConfigMap.Optional, false), group)
	default:
		return "", fmt.Errorf("a volume of this kind is not known here")
	}
}

func (k kubelet) writable(name string, group int) (string, error) {
	dir := filepath.Join(k.dir, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := os.Chown(dir, 0, group); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o2775)
}

func (k kubelet) files(name string, data map[string]string, items []corev1.KeyToPath, mode os.FileMode, optional bool, group int) (string, error) {
	dir := filepath.Join(k.dir, "files", name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if data == nil && !optional {
		return "", fmt.Errorf("FailedMount: what it is made of does not exist")
	}
	if len(items) == 0 {
		for key := range data {
			items = append(items, corev1.KeyToPath{Key: key, Path: key})
		}
	}
	for _, item := range items {
		value, found := data[item.Key]
		if !found && optional {
			continue
		}
		if !found {
			return "", fmt.Errorf("FailedMount: there is no key %s", item.Key)
		}
		file := filepath.Join(dir, item.Path)
		if err := replace(file, value, mode, group); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// replace is atomic, as the kubelet's renewal of a volume is.
func replace(file, content string, mode os.FileMode, group int) error {
	next := file + ".next"
	if err := os.WriteFile(next, []byte(content), 0o600); err != nil {
		return err
	}
	if err := os.Chown(next, 0, group); err != nil {
		return err
	}
	if err := os.Chmod(next, mode); err != nil {
		return err
	}
	return os.Rename(next, file)
}
