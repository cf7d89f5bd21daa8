// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
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

// dfsCache is for DittoFS before v0.9; later ones say on their error output that they do not know it, and go on.
type dfsCache struct {
	Path string `json:"path"`
}

// Config is config.yaml of the server: the same bytes for the same spec and claim templates, and no secret in them. A spec
// that dfs could not start with, or would lose its data with, is an error that names the field. live is as in Inputs.
func Config(server *v1alpha1.DittoServer, live []corev1.PersistentVolumeClaim) ([]byte, error) {
	document, err := configDocument(server, live)
	if err != nil {
		return nil, err
	}
	return encodeConfig(document)
}

func encodeConfig(document map[string]any) ([]byte, error) {
	body, err := yaml.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("encoding the configuration: %w", err)
	}
	return append([]byte(configHead), body...), nil
}

// configDocument is the whole configuration: what the fields of the spec say, and spec.config on top.
func configDocument(server *v1alpha1.DittoServer, live []corev1.PersistentVolumeClaim) (map[string]any, error) {
	server = withDefaults(server)
	var errs field.ErrorList
	// check collects the errors, so that all mistakes are named at once.
	check := func(err *field.Error) {
		if err != nil {
			errs = append(errs, err)
		}
	}

	logging := server.Spec.Logging
	if o := logging.Output; o != "stdout" && o != "stderr" && volumeOf(server, o) == nil {
		check(field.Invalid(outputPath, o, "must be stdout, stderr or a file on a volume: "+volumeList(claims(server))))
	}
	database, err := databaseConfig(server)
	check(err)
	controlPlane, controlPlaneErrs := controlPlaneConfig(server)
	errs = append(errs, controlPlaneErrs...)
	shutdown, err := shutdownTimeout(server)
	check(err)
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
	document, failure := asDocument(config)
	if failure != nil {
		return nil, failure
	}
	withRemoteCache(document, server, live)
	return withOverlay(document, server.Spec.Config)
}

// withDefaults returns a copy that is complete, so that rendering does not depend on where the object came from.
func withDefaults(server *v1alpha1.DittoServer) *v1alpha1.DittoServer {
	server = server.DeepCopy()
	v1alpha1.SetObjectDefaults_DittoServer(server)
	return server
}
