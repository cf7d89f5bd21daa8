// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// perconaRepo is the only backup repository. The number is also in the keys of the credentials that users write.
const perconaRepo = "repo1"

func backupsWanted(spec *v1alpha1.PerconaSpec) bool { return spec.Backup != nil && spec.Backup.Enabled }

// perconaBackups never sets manual and restore: they belong to the Percona operator, and a backup whose request is taken
// back hangs for ever.
func perconaBackups(server *v1alpha1.DittoServer, now livePercona, versions perconaVersions) (map[string]any, error) {
	spec := server.Spec.Percona
	pgbackrest := map[string]any{}
	// It is asked for without backups too.
	setUnlessEmpty(pgbackrest, "image", versions.pgBackRest)
	if !backupsWanted(spec) {
		// Left out, it would mean that backups are on.
		backups := map[string]any{"enabled": false}
		if len(pgbackrest) > 0 {
			backups["pgbackrest"] = pgbackrest
		}
		return backups, nil
	}
	backup := spec.Backup
	path := field.NewPath("spec", "percona", "backup")
	if backup.Bucket == "" {
		return nil, field.Required(path.Child("bucket"), "backups need the name of an S3 bucket")
	}
	if backup.Endpoint == "" {
		return nil, field.Required(path.Child("endpoint"), "backups need an S3 service, for example s3.eu-west-1.amazonaws.com")
	}
	pgbackrest["global"] = perconaGlobal(server, backup, now)
	pgbackrest["repos"] = []any{map[string]any{
		"name": perconaRepo,
		"s3": map[string]any{
			"bucket":   backup.Bucket,
			"endpoint": backupHost(backup),
			"region":   backup.Region,
		},
		"schedules": map[string]any{
			"full":        backup.FullSchedule,
			"incremental": backup.IncrSchedule,
		},
	}}
	if ref := backup.CredentialsSecretRef; ref != nil {
		pgbackrest["configuration"] = []any{map[string]any{"secret": map[string]any{"name": ref.Name}}}
	}
	return map[string]any{"enabled": true, "pgbackrest": pgbackrest}, nil
}

// perconaGlobal are options of pgBackRest. Without a retention nothing ever expires.
func perconaGlobal(server *v1alpha1.DittoServer, backup *v1alpha1.PerconaBackupSpec, now livePercona) map[string]any {
	global := map[string]any{
		perconaRepo + "-path":                perconaPath(server, backup, now),
		perconaRepo + "-retention-full":      strconv.Itoa(int(*backup.RetentionDays)),
		perconaRepo + "-retention-full-type": "time",
	}
	if !virtualHosted(backup) {
		global[perconaRepo+"-s3-uri-style"] = "path"
	}
	return global
}

// perconaPath is where the backups are in the bucket. Two clusters on one path destroy each other's backups, so the default
// has the namespace and the name in it. A cluster that makes backups already goes on where they are.
func perconaPath(server *v1alpha1.DittoServer, backup *v1alpha1.PerconaBackupSpec, now livePercona) string {
	if backup.Path != "" {
		return backup.Path
	}
	if now.backupsOn() {
		if path := now.text("spec", "backups", "pgbackrest", "global", perconaRepo+"-path"); path != "" {
			return path
		}
	}
	return "/pgbackrest/" + server.Namespace + "/" + server.Name + "/" + perconaRepo
}

// virtualHosted tells whether the name of the bucket can be part of the host name. AWS serves that, others may not; and a
// bucket with a dot has a host name that the certificate of AWS does not cover.
func virtualHosted(backup *v1alpha1.PerconaBackupSpec) bool {
	host, _, _ := strings.Cut(strings.ToLower(backupHost(backup)), ":")
	aws := strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
	return aws && !strings.Contains(backup.Bucket, ".")
}

// backupHost is the S3 service without a scheme: pgBackRest speaks HTTPS in any case.
func backupHost(backup *v1alpha1.PerconaBackupSpec) string {
	return strings.TrimPrefix(backup.Endpoint, "https://")
}
