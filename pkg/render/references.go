// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// SecretKey names one key of a Secret in the namespace of the DittoServer.
type SecretKey struct{ Name, Key string }

// JWTSecret is the signing secret: the user's reference, or the key of the generated Secret.
func JWTSecret(server *v1alpha1.DittoServer) SecretKey {
	if ref := server.Spec.Identity.JWT.SecretRef; ref != nil {
		return SecretKey{Name: ref.Name, Key: ref.Key}
	}
	return SecretKey{Name: JWTSecretName(server.Name), Key: JWTSecretKey}
}

// AdminPassword is the first password of the admin: the user's reference, or the key of the generated Secret.
func AdminPassword(server *v1alpha1.DittoServer) SecretKey {
	if ref := server.Spec.Identity.Admin.PasswordSecretRef; ref != nil {
		return SecretKey{Name: ref.Name, Key: ref.Key}
	}
	return SecretKey{Name: AdminSecretName(server.Name), Key: AdminPasswordKey}
}

func ldapPassword(server *v1alpha1.DittoServer) *v1alpha1.SecretKeyReference {
	if ldap := server.Spec.Identity.LDAP; ldap != nil {
		return ldap.BindPasswordSecretRef
	}
	return nil
}

// machineAccount is what the spec says about the account, empty if nothing.
func machineAccount(server *v1alpha1.DittoServer) v1alpha1.MachineAccountSpec {
	if kerberos := server.Spec.Identity.Kerberos; kerberos != nil && kerberos.MachineAccount != nil {
		return *kerberos.MachineAccount
	}
	return v1alpha1.MachineAccountSpec{}
}

func usesMachineAccount(server *v1alpha1.DittoServer) bool {
	kerberos := server.Spec.Identity.Kerberos
	return kerberos != nil && kerberos.Enabled && machineAccount(server).Enabled
}

// ReferencedSecrets names every Secret that the spec leads to, sorted: those that it names, switched on or not, and those
// that are made for the server. Whoever shapes the server can have their content used, so admission asks about all of them.
func ReferencedSecrets(server *v1alpha1.DittoServer) []string {
	spec := &server.Spec
	var names []string
	key := func(ref *v1alpha1.SecretKeyReference) {
		if ref != nil {
			names = append(names, ref.Name)
		}
	}
	for _, s := range StartSecrets(server) {
		names = append(names, s.Name)
	}
	// What is named for a part that is switched off is one field away from being read.
	if ref := spec.Database.PostgresSecretRef; ref != nil {
		names = append(names, ref.Name)
	}
	key(percona(server).CASecretRef)
	if backup := percona(server).Backup; backup != nil && backup.CredentialsSecretRef != nil {
		names = append(names, backup.CredentialsSecretRef.Name)
	}
	names = append(names, spec.ControlPlane.CertSecretName, spec.ControlPlane.ClientCASecretName, spec.ControlPlane.ClientCertSecretName)
	if ingress := spec.ControlPlane.Ingress; ingress != nil {
		names = append(names, ingress.TLSSecretName)
	}
	if spec.Metrics != nil {
		key(spec.Metrics.BearerTokenSecret)
	}
	for _, ref := range spec.ImagePullSecrets {
		names = append(names, ref.Name)
	}
	for i := range spec.ExtraVolumes {
		names = append(names, volumeSecrets(&spec.ExtraVolumes[i].VolumeSource)...)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}

func volumeSecrets(volume *corev1.VolumeSource) []string {
	var names []string
	if volume.Secret != nil {
		names = append(names, volume.Secret.SecretName)
	}
	if volume.CSI != nil && volume.CSI.NodePublishSecretRef != nil {
		names = append(names, volume.CSI.NodePublishSecretRef.Name)
	}
	if volume.Projected != nil {
		for _, source := range volume.Projected.Sources {
			if source.Secret != nil {
				names = append(names, source.Secret.Name)
			}
		}
	}
	return names
}
