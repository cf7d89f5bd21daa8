// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/robfig/cron/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

var (
	bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	regionName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
	// The path becomes a value in the configuration of pgBackRest.
	backupPath = regexp.MustCompile(`^/[A-Za-z0-9._/-]+$`)

	cronShorthands = []string{"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
	// Any moment will do to see whether a schedule ever comes round.
	cronReference = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
)

func validateBackup(backup *dittofsv1alpha1.PerconaBackupSpec, path *field.Path) field.ErrorList {
	if backup == nil {
		return nil
	}
	var errs field.ErrorList
	if backup.Enabled {
		if backup.Bucket == "" {
			errs = append(errs, field.Required(path.Child("bucket"), "is needed when backup is enabled"))
		}
		if backup.Endpoint == "" {
			errs = append(errs, field.Required(path.Child("endpoint"), "is needed when backup is enabled, for example s3.eu-west-1.amazonaws.com"))
		}
		if backup.CredentialsSecretRef == nil {
			errs = append(errs, field.Required(path.Child("credentialsSecretRef"), "is needed when backup is enabled: it names the Secret with repo1-s3-key and repo1-s3-key-secret"))
		}
	}
	if backup.Bucket != "" && !bucketName.MatchString(backup.Bucket) {
		errs = append(errs, field.Invalid(path.Child("bucket"), backup.Bucket, "must be the name of a bucket: letters, digits, '.', '_' and '-'"))
	}
	if backup.Endpoint != "" && utf8.RuneCountInString(backup.Endpoint) <= maxURL && !isHostPort(strings.TrimPrefix(backup.Endpoint, "https://")) {
		errs = append(errs, field.Invalid(path.Child("endpoint"), backup.Endpoint, "must be HOST or HOST:PORT, which is spoken to by HTTPS, for example s3.eu-west-1.amazonaws.com"))
	}
	if !regionName.MatchString(backup.Region) {
		errs = append(errs, field.Invalid(path.Child("region"), backup.Region, "must be letters, digits and '-', for example eu-west-1"))
	}
	errs = append(errs, validateBackupPath(backup.Path, path.Child("path"))...)
	errs = append(errs, validateCron(backup.FullSchedule, path.Child("fullSchedule"))...)
	return append(errs, validateCron(backup.IncrSchedule, path.Child("incrSchedule"))...)
}

func validateBackupPath(text string, fieldPath *field.Path) field.ErrorList {
	if text == "" || backupPath.MatchString(text) && path.Clean(text) == text {
		return nil
	}
	return field.ErrorList{field.Invalid(fieldPath, text,
		"must start with a slash, have only letters, digits, '.', '_', '-' and '/', and no empty part, for example /pgbackrest/team-a/files/repo1")}
}

// validateCron takes what the cron of the Percona operator takes. It panics on
// @every, and a time zone would contradict the field: schedules are in UTC.
func validateCron(schedule string, path *field.Path) field.ErrorList {
	const form = `must have five fields in cron form, or be @hourly, @daily, @weekly, @monthly or @yearly, for example "0 2 * * *"`
	shorthand := strings.HasPrefix(schedule, "@")
	if shorthand && !slices.Contains(cronShorthands, schedule) || strings.Contains(schedule, "TZ=") {
		return field.ErrorList{field.Invalid(path, schedule, form)}
	}
	parsed, err := cron.ParseStandard(schedule)
	if err != nil {
		return field.ErrorList{field.Invalid(path, schedule, form)}
	}
	if parsed.Next(cronReference).IsZero() {
		return field.ErrorList{field.Invalid(path, schedule, "never comes round: no such day exists")}
	}
	return nil
}
