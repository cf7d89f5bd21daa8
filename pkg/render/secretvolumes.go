// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// privateMode lets the group of the pod read, and nobody else. dfs is in that group by fsGroup.
const privateMode int32 = 0o440

// secretVolume is a volume of files that dfs reads from a Secret. Only the keys that it needs are in it: the Secret of a
// Percona cluster, for one, holds the private key of PostgreSQL beside the CA.
type secretVolume struct {
	volume   string
	secret   string
	files    []secretFile
	private  bool // the files let whoever has them in
	optional bool // the pod starts without the Secret
}

type secretFile struct{ key, name string }

// secretVolumes are there for what is switched on. The files of Kerberos are there while the spec has a block for it: dfs
// that believes its database, in which Kerberos may still be on, does not start without them.
func secretVolumes(server *v1alpha1.DittoServer) []secretVolume {
	var list []secretVolume
	one := func(volume string, ref *v1alpha1.SecretKeyReference, name string, private, optional bool) {
		if ref != nil {
			list = append(list, secretVolume{volume, ref.Name, []secretFile{{ref.Key, name}}, private, optional})
		}
	}
	if nativeTLS(server) {
		list = append(list, secretVolume{volume: tlsVolume, secret: server.Spec.ControlPlane.CertSecretName,
			files: []secretFile{{certKey, certKey}, {certKeyKey, certKeyKey}}, private: true})
	}
	if mutualTLS(server) {
		one(clientCAVolume, &v1alpha1.SecretKeyReference{Name: server.Spec.ControlPlane.ClientCASecretName, Key: caKey}, caKey, false, false)
	}
	if metrics := enabledMetrics(server); metrics != nil {
		one(metricsTokenVolume, metrics.BearerTokenSecret, metricsTokenFile, true, false)
	}
	if kerberos := server.Spec.Identity.Kerberos; kerberos != nil {
		one(keytabVolume, kerberos.KeytabSecretRef, keytabFileName, true, !kerberos.Enabled)
		one(krb5ConfVolume, kerberos.Krb5ConfSecretRef, krb5ConfFileName, false, !kerberos.Enabled)
		one(machineKeytabVolume, machineAccount(server).KeytabSecretRef, machineKeytabFile, true, !usesMachineAccount(server))
	}
	if percona(server).Enabled {
		ca := PerconaCASecret(server)
		one(postgresCAVolume, &v1alpha1.SecretKeyReference{Name: ca.Name, Key: ca.Key}, postgresCAFileName, false, false)
	}
	return list
}

func (s secretVolume) volumeSource() *corev1ac.VolumeApplyConfiguration {
	source := corev1ac.SecretVolumeSource().WithSecretName(s.secret)
	for _, file := range s.files {
		source.WithItems(corev1ac.KeyToPath().WithKey(file.key).WithPath(file.name))
	}
	if s.private {
		source.WithDefaultMode(privateMode)
	}
	if s.optional {
		source.WithOptional(true)
	}
	return corev1ac.Volume().WithName(s.volume).WithSecret(source)
}
