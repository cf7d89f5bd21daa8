// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"
	"path"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// postgresHostVariable is where dfs learns the host of PostgreSQL from, whatever its configuration says.
const postgresHostVariable = "DITTOFS_DATABASE_POSTGRES_HOST"

// runningDatabase is the database that a server was started on.
type runningDatabase struct {
	kind   string
	path   string // of SQLite
	secret string // with the connection to PostgreSQL
}

// databaseMismatch says how the spec leads to another database than the one that the adopted server runs on, empty if it
// does not. Adoption never moves a server: it would find an empty database, and start happily on it. With percona.enabled
// the operator makes a PostgreSQL cluster that dfs never uses, so that what runs is on SQLite.
func (p *pass) databaseMismatch(ctx context.Context, set *appsv1.StatefulSet, found []leftover) (string, error) {
	running, why := databaseThatRuns(set, p.configThatRuns(found))
	if why != "" {
		return fmt.Sprintf("Nobody can tell which database the running server has: %s. It is not adopted, lest it be started on an empty one.", why), nil
	}
	wanted := databaseOf(p.server)
	switch {
	case running.kind == kindSQLite && wanted.kind == kindSQLite && path.Clean(running.path) == path.Clean(wanted.text):
		return "", nil
	case running.kind == kindPostgres && wanted.kind == kindPostgres:
		ref := p.server.Spec.Database.PostgresSecretRef.Name
		same, err := p.samePostgres(ctx, running.secret, ref)
		if same || err != nil {
			return "", err
		}
		wanted.text = "of Secret " + ref
	}
	return fmt.Sprintf("The running server has its database %s, as ConfigMap %s says, and the spec leads to another one (%s %s). "+
		"An adopted server stays on its database, so the window stays closed. %s",
		running.describe(), render.ConfigMapName(p.server.Name), wanted.kind, wanted.text, running.remedy(p.server)), nil
}

func (r runningDatabase) describe() string {
	if r.kind == kindSQLite {
		return "in the SQLite file " + r.path
	}
	return "in the PostgreSQL that Secret " + r.secret + " leads to"
}

func (r runningDatabase) remedy(server *dittofsv1alpha1.DittoServer) string {
	write := fmt.Sprintf("Write spec.database: {type: sqlite, sqlite: {path: %s}}", r.path)
	if r.kind == kindPostgres {
		write = fmt.Sprintf("Write spec.database: {type: postgres, postgresSecretRef: {name: %s}}", r.secret)
	}
	if server.Spec.Percona == nil || !server.Spec.Percona.Enabled {
		return write + "."
	}
	return write + fmt.Sprintf(", and take spec.percona away. The operator's percona.enabled has never reached dfs; "+
		"%s %s is left as it is, for you to delete or to use later.", perconaKind, render.PerconaClusterName(server))
}

// configThatRuns is the configuration file of the running server, empty if it is not known.
func (p *pass) configThatRuns(found []leftover) string {
	for _, l := range found {
		if config, ok := l.obj.(*corev1.ConfigMap); ok && p.leftBehind(config) {
			return config.Data[render.ConfigKey]
		}
	}
	return ""
}

// databaseThatRuns reads it from the configuration, and from the variable that wins over it. why says what is missing.
func databaseThatRuns(set *appsv1.StatefulSet, config string) (running runningDatabase, why string) {
	var parsed struct {
		Database struct {
			Type   string `json:"type"`
			SQLite struct {
				Path string `json:"path"`
			} `json:"sqlite"`
		} `json:"database"`
	}
	if config == "" {
		return running, fmt.Sprintf("the ConfigMap %s that the pod mounts has no %s", set.Name+"-config", render.ConfigKey)
	}
	if err := yaml.Unmarshal([]byte(config), &parsed); err != nil {
		return running, fmt.Sprintf("its %s cannot be read", render.ConfigKey)
	}
	running = runningDatabase{kind: parsed.Database.Type, path: parsed.Database.SQLite.Path}
	switch running.kind {
	case kindSQLite:
		if running.path == "" {
			return running, "its configuration names no file for SQLite"
		}
		return running, ""
	case kindPostgres:
		for _, e := range dfsContainer(set).Env {
			if e.Name == postgresHostVariable && e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				running.secret = e.ValueFrom.SecretKeyRef.Name
				return running, ""
			}
		}
		return running, "the host of PostgreSQL comes from no Secret"
	}
	return running, fmt.Sprintf("its configuration names the database type %q", running.kind)
}

// samePostgres says that two Secrets lead to one database. Of Secrets that are not there it says nothing.
func (p *pass) samePostgres(ctx context.Context, running, wanted string) (bool, error) {
	if running == wanted {
		return true, nil
	}
	var text [2]string
	for i, name := range []string{running, wanted} {
		secret := &corev1.Secret{}
		err := p.Live.Get(ctx, types.NamespacedName{Namespace: p.key.Namespace, Name: name}, secret)
		switch {
		case apierrors.IsNotFound(err):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("read Secret %s: %w", name, err)
		}
		text[i] = postgresText(func(key string) string { return string(secret.Data[key]) })
	}
	return text[0] == text[1], nil
}
