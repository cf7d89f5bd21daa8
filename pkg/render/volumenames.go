// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"path"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// The volume of local block stores, which may come to a server later, and where it is mounted.
const (
	ContentVolume = v1alpha1.VolumeContent
	ContentPath   = "/data/store/block"
)

// Names of the claim templates, which are the names of the volumes in the pod.
const (
	metadataVolume     = v1alpha1.VolumeMetadata
	controlPlaneVolume = v1alpha1.VolumeControlPlane
	cacheVolume        = v1alpha1.VolumeCache
)

// Names of the other volumes of the pod. Admission keeps users from giving them to volumes of their own.
const (
	configVolume        = "config"
	tmpVolume           = "tmp"
	tlsVolume           = "tls-cert"
	clientCAVolume      = "tls-client-ca"
	metricsTokenVolume  = "metrics-token"
	keytabVolume        = "kerberos-keytab"
	krb5ConfVolume      = "kerberos-krb5"
	machineKeytabVolume = "kerberos-machine-keytab"
	postgresCAVolume    = "postgres-ca"
)

// claimVolumes are the volumes that data lives on, in the order of their mounts.
var claimVolumes = v1alpha1.VolumeNames()

// mountPaths say where a volume is in the pod. Stores in the database of a server name some of them, and so does what the
// controller tells dfs about Kerberos.
var mountPaths = map[string]string{
	metadataVolume:      "/data/store/metadata",
	ContentVolume:       ContentPath,
	controlPlaneVolume:  "/data/controlplane",
	cacheVolume:         "/data/cache",
	configVolume:        "/config",
	tmpVolume:           "/tmp",
	tlsVolume:           "/tls",
	clientCAVolume:      "/tls-client-ca",
	metricsTokenVolume:  "/metrics-token",
	keytabVolume:        "/kerberos",
	krb5ConfVolume:      "/kerberos-krb5",
	machineKeytabVolume: "/kerberos-machine",
	postgresCAVolume:    "/postgres-ca",
}

// Names of the files in those volumes, and of the keys of Secrets that cannot be chosen.
const (
	certKey            = "tls.crt"
	certKeyKey         = "tls.key"
	caKey              = "ca.crt"
	metricsTokenFile   = "token"
	keytabFileName     = "dittofs.keytab"
	krb5ConfFileName   = "krb5.conf"
	machineKeytabFile  = "machine.keytab"
	postgresCAFileName = "ca.crt"
)

// inVolume is the path of a file in the pod.
func inVolume(volume, file string) string { return path.Join(mountPaths[volume], file) }
