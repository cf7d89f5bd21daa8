// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Warnings are what is allowed and probably not meant, as "path: message".
func Warnings(server *dittofsv1alpha1.DittoServer) []string {
	spec := &server.Spec
	var warnings []string
	warnings = append(warnings, imageWarnings(spec)...)
	warnings = append(warnings, dataWarnings(spec)...)
	warnings = append(warnings, databaseWarnings(spec)...)
	warnings = append(warnings, apiWarnings(spec)...)
	warnings = append(warnings, directoryWarnings(&spec.Identity)...)
	warnings = append(warnings, podWarnings(spec)...)
	return append(warnings, configWarnings(spec.Config, field.NewPath("spec", "config"))...)
}

func imageWarnings(spec *dittofsv1alpha1.DittoServerSpec) []string {
	var warnings []string
	version, moving := imageVersion(spec.Image)
	if moving {
		warnings = append(warnings, fmt.Sprintf("spec.image: %q moves with every release; pin a version or a digest", spec.Image))
	}
	if version != nil && version.before(0, 17) {
		warnings = append(warnings, fmt.Sprintf("spec.image: %q is older than DittoFS v0.17 and reads another configuration; its API may not be reachable", spec.Image))
	}
	if spec.Storage.CacheSize != nil && (moving || version != nil && !version.before(0, 9)) {
		warnings = append(warnings, "spec.storage.cacheSize: DittoFS v0.9 and later do not read it: the volume stays empty; take it away")
	}
	return warnings
}

// dataWarnings are about data that is thrown away at some time.
func dataWarnings(spec *dittofsv1alpha1.DittoServerSpec) []string {
	var warnings []string
	if spec.Storage.Ephemeral {
		warnings = append(warnings, "spec.storage.ephemeral: every restart of the pod loses all shares, users and files; this is for trials and tests")
	} else {
		if spec.Storage.WhenScaled == dittofsv1alpha1.DeleteData {
			warnings = append(warnings, "spec.storage.whenScaled: Delete loses all data as soon as replicas becomes 0")
		}
		if spec.DeletionPolicy.Volumes == dittofsv1alpha1.DeleteData {
			warnings = append(warnings, "spec.deletionPolicy.volumes: Delete loses all files when this object is deleted")
		}
	}
	if spec.DeletionPolicy.Database == dittofsv1alpha1.DeleteData {
		text := "Delete loses the PerconaPGCluster of this server, users and shares with it, when this object is deleted"
		if !makesCluster(spec) {
			text = "Delete does nothing: it is about a PerconaPGCluster that is made for this server; deletionPolicy.volumes decides about the volumes"
		}
		warnings = append(warnings, "spec.deletionPolicy.database: "+text)
	}
	return warnings
}

func databaseWarnings(spec *dittofsv1alpha1.DittoServerSpec) []string {
	var warnings []string
	over := func(winner string) {
		if spec.Database.Type != dittofsv1alpha1.DatabasePostgres {
			warnings = append(warnings, fmt.Sprintf("spec.database.type: %q is not used, %s wins: the server runs on PostgreSQL", spec.Database.Type, winner))
		}
	}
	switch {
	case usesPercona(spec):
		over("percona")
		if ref := spec.Database.PostgresSecretRef; ref != nil {
			warnings = append(warnings, fmt.Sprintf("spec.database.postgresSecretRef: Secret %q is not used, percona wins: the database is in the PerconaPGCluster", ref.Name))
		}
	case spec.Database.PostgresSecretRef != nil:
		over("postgresSecretRef")
	}
	if makesCluster(spec) && (spec.Percona.Backup == nil || !spec.Percona.Backup.Enabled) {
		warnings = append(warnings, "spec.percona.backup: no backups are made: the only copy of the database is on the volumes of its instances")
	}
	return warnings
}

func apiWarnings(spec *dittofsv1alpha1.DittoServerSpec) []string {
	var warnings []string
	api := &spec.ControlPlane
	if api.TLS && api.CertSecretName == "" {
		warnings = append(warnings, "spec.controlPlane.tls: is not read: the API serves plain HTTP until certSecretName names a Secret with tls.crt and tls.key")
	}
	privileged := func(field string, port *int32) {
		if p := ptr.Deref(port, 0); p > 0 && p < 1024 {
			warnings = append(warnings, fmt.Sprintf("%s: %d is privileged and the pod has no NET_BIND_SERVICE; use 1024 or higher", field, p))
		}
	}
	privileged("spec.controlPlane.port", api.Port)
	if spec.Metrics != nil && spec.Metrics.Enabled {
		privileged("spec.metrics.port", spec.Metrics.Port)
	}
	if api.Ingress != nil && api.Ingress.TLSSecretName == "" {
		warnings = append(warnings, "spec.controlPlane.ingress.tlsSecretName: without it passwords and tokens cross the network in clear")
	}
	return warnings
}

func directoryWarnings(identity *dittofsv1alpha1.IdentitySpec) []string {
	var warnings []string
	if ldap := identity.LDAP; ldap != nil {
		if ldap.InsecureSkipVerify {
			warnings = append(warnings, "spec.identity.ldap.insecureSkipVerify: whoever is between the server and the directory can read passwords; use caCertFile")
		}
		if ldap.AllowPlaintext {
			warnings = append(warnings, "spec.identity.ldap.allowPlaintext: passwords may cross the network in clear; use ldaps:// or startTLS")
		}
	}
	return append(warnings, machineAccountWarnings(identity.Kerberos)...)
}

// machineAccountWarnings are about what dfs says in its log only, while NTLM
// logins fail (cmd/dfs/commands/netlogon.go of DittoFS v0.29.0).
func machineAccountWarnings(kerberos *dittofsv1alpha1.KerberosSpec) []string {
	if kerberos == nil || kerberos.MachineAccount == nil || !kerberos.MachineAccount.Enabled {
		return nil
	}
	if !kerberos.Enabled {
		return []string{"spec.identity.kerberos.machineAccount: is used only while kerberos is enabled"}
	}
	var warnings []string
	if kerberos.MachineAccount.SecretRef == nil {
		warnings = append(warnings, "spec.identity.kerberos.machineAccount.secretRef: without it DittoFS v0.29 does not use machineAccount: it cannot read the keytab of one yet")
	}
	if kerberos.NetBIOSDomain == "" {
		warnings = append(warnings, "spec.identity.kerberos.netbiosDomain: without it dfs does not use machineAccount")
	}
	if kerberos.Realm == "" && !strings.Contains(kerberos.ServicePrincipal, "@") {
		warnings = append(warnings, "spec.identity.kerberos.realm: without it, or one in servicePrincipal, dfs does not use machineAccount")
	}
	return warnings
}

var trialMemory = resource.MustParse("1Gi")

func podWarnings(spec *dittofsv1alpha1.DittoServerSpec) []string {
	var warnings []string
	if spec.Resources != nil {
		if limit, ok := spec.Resources.Limits[corev1.ResourceMemory]; ok && limit.Cmp(trialMemory) < 0 {
			warnings = append(warnings, fmt.Sprintf("spec.resources.limits[memory]: %s is for trials only: dfs sizes its caches by it; use 1Gi or more", limit.String()))
		}
	}
	grace, shutdown := spec.TerminationGracePeriodSeconds, spec.ShutdownTimeout
	if stage, err := time.ParseDuration(shutdown); err == nil && grace != nil {
		if needs := 3*stage + 15*time.Second; time.Duration(*grace)*time.Second < needs {
			warnings = append(warnings, fmt.Sprintf(
				"spec.terminationGracePeriodSeconds: %d cuts dfs off while it writes: it may need three times shutdownTimeout and 15 s, which is %d", *grace, int64((needs+time.Second-1)/time.Second)))
		}
	}
	if disabled := spec.Config["snapshot"]; len(spec.SnapshotPolicies) > 0 && schedulerDisabled(disabled) {
		warnings = append(warnings, "spec.snapshotPolicies: dfs takes no snapshots while config has snapshot.scheduler_disabled")
	}
	return warnings
}
