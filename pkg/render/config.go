// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"path"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// configHead opens the file. It is hashed with it, so a change of a word would restart every server.
const configHead = "# Written by dittofs-apiserver. Edits are reverted: change the DittoServer instead.\n"

// dfsConfig is the part of the configuration of DittoFS v0.29 that we mean, by the names of its loader. What every server has
// is always written out: what a later release of dfs takes as a default then changes nothing for a server that runs.
// Durations are text: the loader takes a bare number for nanoseconds.
type dfsConfig struct {
	Logging         dfsLogging      `json:"logging"`
	ShutdownTimeout string          `json:"shutdown_timeout"`
	Database        dfsDatabase     `json:"database"`
	ControlPlane    dfsControlPlane `json:"controlplane"`
	Metrics         *dfsMetrics     `json:"metrics,omitempty"`
	LDAP            *dfsLDAP        `json:"ldap,omitempty"`
	Kerberos        *dfsKerberos    `json:"kerberos,omitempty"`
	Cache           *dfsCache       `json:"cache,omitempty"`
}

type dfsLogging struct {
	Level  string `json:"level"`
	Format string `json:"format"`
	Output string `json:"output"`
}

type dfsDatabase struct {
	Type   string     `json:"type"`
	SQLite *dfsSQLite `json:"sqlite,omitempty"`
}

type dfsSQLite struct {
	Path string `json:"path"`
}

// dfsCache is for DittoFS before v0.9; later ones say on their error output that they do not know it, and go on.
type dfsCache struct {
	Path string `json:"path"`
}

// Config is config.yaml of the server: the same bytes for the same spec, and no secret in them. A spec that dfs could not
// start with, or would lose its data with, is an error that names the field.
func Config(server *v1alpha1.DittoServer) ([]byte, error) {
	document, err := configDocument(server)
	if err != nil {
		return nil, err
	}
	return encodeConfig(document)
}

// HashedConfig is the part of config.yaml that belongs in the config hash: all that dfs reads at each of its starts. What it
// reads at its first start only is left out, since a restart for a change of that would change nothing; the controller
// makes the change through the dfs API. For a server without LDAP and Kerberos it is config.yaml, byte for byte.
func HashedConfig(server *v1alpha1.DittoServer) ([]byte, error) {
	document, err := configDocument(server)
	if err != nil {
		return nil, err
	}
	return encodeConfig(withoutSeeds(document))
}

func encodeConfig(document map[string]any) ([]byte, error) {
	body, err := yaml.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("encoding the configuration: %w", err)
	}
	return append([]byte(configHead), body...), nil
}

// configDocument is the whole configuration: what the fields of the spec say, and spec.config on top.
func configDocument(server *v1alpha1.DittoServer) (map[string]any, error) {
	server = withDefaults(server)
	var errs field.ErrorList
	// check collects the errors, so that all mistakes are named at once.
	check := func(err *field.Error) {
		if err != nil {
			errs = append(errs, err)
		}
	}

	logging := server.Spec.Logging
	if o := logging.Output; o != "stdout" && o != "stderr" && !onVolume(server, o) {
		check(field.Invalid(field.NewPath("spec", "logging", "output"), o,
			"must be stdout, stderr or a file on a volume: "+volumeList(server)))
	}
	database, err := databaseConfig(server)
	check(err)
	controlPlane, controlPlaneErrs := controlPlaneConfig(server)
	errs = append(errs, controlPlaneErrs...)
	shutdown, err := shutdownTimeout(server)
	check(err)
	check(refusedOverlay(server.Spec.Config))
	if len(errs) > 0 {
		return nil, errs.ToAggregate()
	}

	config := dfsConfig{
		// dfs logs to a file in its home directory unless told otherwise.
		Logging:         dfsLogging{Level: string(logging.Level), Format: string(logging.Format), Output: logging.Output},
		ShutdownTimeout: shutdown.String(),
		Database:        database,
		ControlPlane:    controlPlane,
		Metrics:         metricsConfig(server),
		LDAP:            ldapConfig(server),
		Kerberos:        kerberosConfig(server),
	}
	if server.Spec.Storage.CacheSize != nil {
		config.Cache = &dfsCache{Path: mountPaths[cacheVolume]}
	}
	return withOverlay(config, server.Spec.Config)
}

// databaseConfig says postgres and no more for a database behind a Secret, the user's or Percona's: host, database, user and password come by the
// environment, which the loader reads before it checks that they are set.
func databaseConfig(server *v1alpha1.DittoServer) (dfsDatabase, *field.Error) {
	spec, at := server.Spec.Database, field.NewPath("spec", "database")
	if spec.PostgresSecretRef != nil || percona(server).Enabled {
		return dfsDatabase{Type: string(v1alpha1.DatabasePostgres)}, nil
	}
	if spec.Type != v1alpha1.DatabaseSQLite {
		return dfsDatabase{}, field.Required(at.Child("postgresSecretRef"), "must name a Secret when type is postgres")
	}
	sqlite := spec.SQLite.Path
	if !onVolume(server, sqlite) {
		// On the container's own disk the database would be an empty one at every start.
		return dfsDatabase{}, field.Invalid(at.Child("sqlite", "path"), sqlite, "must be a file on a volume: "+volumeList(server))
	}
	return dfsDatabase{Type: string(v1alpha1.DatabaseSQLite), SQLite: &dfsSQLite{Path: sqlite}}, nil
}

// shutdownTimeout bounds each stage of a graceful stop of dfs; the whole takes up to three of them and 5 s.
func shutdownTimeout(server *v1alpha1.DittoServer) (time.Duration, *field.Error) {
	return positive(field.NewPath("spec", "shutdownTimeout"), server.Spec.ShutdownTimeout)
}

// duration returns the one spelling of a duration, so that 60m instead of 1h restarts nothing.
func duration(at *field.Path, value string) (string, *field.Error) {
	d, err := positive(at, value)
	return d.String(), err
}

func positive(at *field.Path, value string) (time.Duration, *field.Error) {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return 0, field.Invalid(at, value, "must be a positive duration, such as 15m or 168h")
	}
	return d, nil
}

// onVolume tells whether a file outlives the container: everything else in its file system is read-only.
func onVolume(server *v1alpha1.DittoServer, file string) bool {
	for _, c := range claims(server) {
		if path.IsAbs(file) && strings.HasPrefix(path.Clean(file), c.mountPath+"/") {
			return true
		}
	}
	return false
}

func volumeList(server *v1alpha1.DittoServer) string {
	var paths []string
	for _, c := range claims(server) {
		paths = append(paths, "under "+c.mountPath)
	}
	return strings.Join(paths, " or ")
}

// withDefaults returns a copy that is complete, so that rendering does not depend on where the object came from.
func withDefaults(server *v1alpha1.DittoServer) *v1alpha1.DittoServer {
	server = server.DeepCopy()
	v1alpha1.SetObjectDefaults_DittoServer(server)
	return server
}
