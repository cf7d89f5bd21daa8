// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"path"

	corev1 "k8s.io/api/core/v1"

	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// Where the pod has what the spec refers to. A change of these restarts every server that uses them.
const (
	certPath      = "/tls"
	keytabMount   = "/kerberos"
	keytabFile    = "/kerberos/dittofs.keytab"
	krb5ConfFile  = "/kerberos-krb5/krb5.conf"
	machineKeytab = "/kerberos-machine/machine.keytab"
)

// mountedAt finds the volume of the dfs container at a path. The template says what the running process was given: the spec
// may be ahead of it, for as long as a rollout waits.
func mountedAt(template *corev1.PodTemplateSpec, at string) (corev1.Volume, bool) {
	for _, c := range template.Spec.Containers {
		if c.Name != render.ContainerName {
			continue
		}
		for _, m := range c.VolumeMounts {
			if path.Clean(m.MountPath) != at {
				continue
			}
			for _, v := range template.Spec.Volumes {
				if v.Name == m.Name {
					return v, true
				}
			}
		}
	}
	return corev1.Volume{}, false
}

// secretOf is the Secret that a volume is made of, empty if it is made of something else.
func secretOf(v corev1.Volume) string {
	if v.Secret != nil {
		return v.Secret.SecretName
	}
	return ""
}
