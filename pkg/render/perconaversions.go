// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"regexp"
	"strconv"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// What a new PerconaPGCluster is made of when the spec does not say. A later release of ours changes them for new clusters
// only. The Percona operator has no default images.
const (
	defaultCRVersion       = "3.0.0"
	defaultPostgresVersion = 18
	defaultPostgresImage   = "percona/percona-distribution-postgresql:18.3-2"
	defaultPgBouncerImage  = "percona/percona-pgbouncer:1.25.1-1"
	defaultPgBackRestImage = "percona/percona-pgbackrest:2.58.0-1"
)

// schemaCRVersion is the first one that makes a schema for each user. dfs could not make its tables before it.
const schemaCRVersion = "2.6.0"

// perconaVersions are the versions and images to send; what is empty is not sent.
type perconaVersions struct {
	crVersion  string
	effective  string // the crVersion that holds, ours or not
	major      any    // of PostgreSQL; nil if not sent
	postgres   string
	pgBouncer  string
	pgBackRest string
	init       string
}

// perconaVersionsOf decides between the spec, the defaults and what is there: a new cluster has the spec or the defaults, a
// live one the spec, or else what it has.
func perconaVersionsOf(spec *v1alpha1.PerconaSpec, now livePercona) (perconaVersions, error) {
	path := field.NewPath("spec", "percona")
	if spec.CRVersion != "" {
		// The Percona operator dies of a text that is no version, for every cluster that it looks after.
		v, err := version.ParseSemantic(spec.CRVersion)
		if err != nil || v.String() != spec.CRVersion || v.LessThan(version.MustParseGeneric(schemaCRVersion)) {
			return perconaVersions{}, field.Invalid(path.Child("crVersion"), spec.CRVersion,
				"must be a version X.Y.Z, "+schemaCRVersion+" or later; for example "+defaultCRVersion)
		}
	}
	if !now.exists() {
		return newPerconaVersions(spec, path)
	}

	images := spec.Images
	if upgraded(spec, now) {
		// Sending images of the old version would put them onto the data of the new one.
		images = v1alpha1.PerconaImages{Init: images.Init}
	}
	versions := perconaVersions{
		crVersion:  first(spec.CRVersion, now.kept("spec", "crVersion")),
		effective:  first(spec.CRVersion, now.text("spec", "crVersion")),
		major:      now.keptValue("spec", "postgresVersion"),
		postgres:   first(images.Postgres, now.kept("spec", "image")),
		pgBouncer:  first(images.PgBouncer, now.kept("spec", "proxy", "pgBouncer", "image")),
		pgBackRest: first(images.PgBackRest, now.kept("spec", "backups", "pgbackrest", "image")),
		init:       first(images.Init, now.kept("spec", "initContainer", "image")),
	}
	if spec.PgBouncer != nil && versions.pgBouncer == "" && now.text("spec", "proxy", "pgBouncer", "image") == "" {
		// The pool is new, though the cluster is not.
		versions.pgBouncer = defaultPgBouncerImage
	}
	return versions, nil
}

func newPerconaVersions(spec *v1alpha1.PerconaSpec, path *field.Path) (perconaVersions, error) {
	major := int64(defaultPostgresVersion)
	if spec.PostgresVersion != nil {
		major = int64(*spec.PostgresVersion)
	}
	if spec.Images.Postgres == "" && major != defaultPostgresVersion {
		return perconaVersions{}, field.Required(path.Child("images", "postgres"),
			"there is a default for postgresVersion "+strconv.Itoa(defaultPostgresVersion)+" only; give the image of version "+strconv.FormatInt(major, 10))
	}
	versions := perconaVersions{
		crVersion:  first(spec.CRVersion, defaultCRVersion),
		major:      major,
		postgres:   first(spec.Images.Postgres, defaultPostgresImage),
		pgBouncer:  first(spec.Images.PgBouncer, defaultPgBouncerImage),
		pgBackRest: first(spec.Images.PgBackRest, defaultPgBackRestImage),
		init:       spec.Images.Init,
	}
	versions.effective = versions.crVersion
	return versions, nil
}

// upgraded tells that the cluster is of another major version than the spec speaks of, because a PerconaPGUpgrade has moved
// it on. That changes all images together with the version; the spec has its say again once somebody writes the new ones
// into it. An image of another version in the spec alone does not get through either: it could not read the data.
func upgraded(spec *v1alpha1.PerconaSpec, now livePercona) bool {
	live, known := now.value("spec", "postgresVersion").(int64)
	if !known {
		return false
	}
	if major := imageMajor(spec.Images.Postgres); major != 0 {
		return major != live
	}
	return spec.PostgresVersion != nil && int64(*spec.PostgresVersion) != live
}

// imageTagMajor finds the major version in the tags that Percona has used: 18.3-2, 2.8.2-ppg17.6-postgres, main-ppg17-postgres.
var imageTagMajor = regexp.MustCompile(`(?::|ppg)(1[2-9])(?:[.@_-][^/]*)?$`)

// imageMajor is the major version of PostgreSQL by the tag of an image, 0 if the tag does not say.
func imageMajor(image string) int64 {
	match := imageTagMajor.FindStringSubmatch(image)
	if match == nil {
		return 0
	}
	major, err := strconv.ParseInt(match[1], 10, 64)
	if err != nil {
		return 0
	}
	return major
}

func first(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}
