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

// shutdownTimeout bounds each stage of a graceful stop of dfs; the whole takes up to three of them and 5 s.
const shutdownTimeout = 30 * time.Second

// configHead opens the file. It is hashed with it, so a change of a word would restart every server.
const configHead = "# Written by dittofs-apiserver. Edits are reverted: change the DittoServer instead.\n"

// dfsConfig is the part of the configuration of DittoFS v0.29 that we mean, by the names of its loader. All of it is always
// written out: what a later release of dfs takes as a default then changes nothing for a server that runs.
// Durations are text: the loader takes a bare number for nanoseconds.
type dfsConfig struct {
	Logging         dfsLogging      `json:"logging"`
	ShutdownTimeout string          `json:"shutdown_timeout"`
	Database        dfsDatabase     `json:"database"`
	ControlPlane    dfsControlPlane `json:"controlplane"`
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

type dfsControlPlane struct {
	Host         string `json:"host"`
	Port         int32  `json:"port"`
	WriteTimeout string `json:"write_timeout"`
	JWT          dfsJWT `json:"jwt"`
}

type dfsJWT struct {
	AccessTokenDuration  string `json:"access_token_duration"`
	RefreshTokenDuration string `json:"refresh_token_duration"`
}

// Config is config.yaml of the server: the same bytes for the same spec, and no secret in them. A spec that dfs could not
// start with, or would lose its data with, is an error that names the field.
func Config(server *v1alpha1.DittoServer) ([]byte, error) {
	server = withDefaults(server)
	var errs field.ErrorList

	logging := server.Spec.Logging
	if o := logging.Output; o != "stdout" && o != "stderr" && !onVolume(server, o) {
		errs = append(errs, field.Invalid(field.NewPath("spec", "logging", "output"), o,
			"must be stdout, stderr or a file on a volume: "+volumeList(server)))
	}

	database, err := databaseConfig(server)
	if err != nil {
		errs = append(errs, err)
	}

	jwt, jwtPath := server.Spec.Identity.JWT, field.NewPath("spec", "identity", "jwt")
	access, err := duration(jwtPath.Child("accessTokenDuration"), jwt.AccessTokenDuration)
	if err != nil {
		errs = append(errs, err)
	}
	refresh, err := duration(jwtPath.Child("refreshTokenDuration"), jwt.RefreshTokenDuration)
	if err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return nil, errs.ToAggregate()
	}

	body, marshalErr := yaml.Marshal(dfsConfig{
		// dfs logs to a file in its home directory unless told otherwise.
		Logging: dfsLogging{Level: string(logging.Level), Format: string(logging.Format), Output: logging.Output},

		ShutdownTimeout: shutdownTimeout.String(),
		Database:        database,
		ControlPlane: dfsControlPlane{
			// The default is 127.0.0.1, where neither the kubelet nor the Service reaches it.
			Host: "0.0.0.0",
			Port: *server.Spec.ControlPlane.Port,
			// The default of 10 s cuts off, without an answer, requests that wait for a slow S3 remote (30 s are common) and
			// every restore of a snapshot.
			WriteTimeout: (120 * time.Second).String(),
			JWT:          dfsJWT{AccessTokenDuration: access, RefreshTokenDuration: refresh},
		},
	})
	if marshalErr != nil {
		return nil, fmt.Errorf("encoding the configuration of %s: %w", server.Name, marshalErr)
	}
	return append([]byte(configHead), body...), nil
}

// databaseConfig says postgres and no more for a database behind a Secret: host, database, user and password come by the
// environment, which the loader reads before it checks that they are set.
func databaseConfig(server *v1alpha1.DittoServer) (dfsDatabase, *field.Error) {
	spec, at := server.Spec.Database, field.NewPath("spec", "database")
	if spec.PostgresSecretRef != nil {
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

// duration returns the one spelling of a duration, so that 60m instead of 1h restarts nothing.
func duration(at *field.Path, value string) (string, *field.Error) {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return "", field.Invalid(at, value, "must be a positive duration, such as 15m or 168h")
	}
	return d.String(), nil
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
