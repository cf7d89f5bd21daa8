// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"
	"net"
	"regexp"
	"strings"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// Kinds of databases, as the status names them.
const (
	kindSQLite   = "sqlite"
	kindPostgres = "postgres"
	kindPercona  = "percona"
)

// defaultPostgresPort is what dfs dials if the Secret has no key port.
const defaultPostgresPort = "5432"

// databaseIdentity says which database a server has, without its password.
type databaseIdentity struct {
	kind    string
	cluster string // of Percona
	text    string // as in the status
}

// databaseIdentity reads it from the spec and the start Secrets. What is not there yet leaves it empty.
func (p *pass) databaseIdentity(values map[render.SecretKey][]byte) databaseIdentity {
	id := databaseOf(p.server)
	ref := p.server.Spec.PostgresSecret()
	if id.kind != kindPostgres || ref == nil {
		return id
	}
	id.text = postgresText(func(key string) string { return string(values[render.SecretKey{Name: ref.Name, Key: key}]) })
	return id
}

// postgresText is USER@HOST:PORT/DATABASE, by the keys of a Secret.
func postgresText(of func(key string) string) string {
	value := func(key, otherwise string) string {
		if v := strings.TrimSpace(of(key)); v != "" {
			return v
		}
		return otherwise
	}
	return fmt.Sprintf("%s@%s/%s", value("user", ""),
		net.JoinHostPort(strings.ToLower(value("host", "")), value("port", defaultPostgresPort)), value("database", ""))
}

// databaseOf is what the spec alone says.
func databaseOf(server *dittofsv1alpha1.DittoServer) databaseIdentity {
	spec := server.Spec
	switch {
	case spec.Percona != nil && spec.Percona.Enabled:
		cluster := render.PerconaClusterName(server)
		return databaseIdentity{kind: kindPercona, cluster: cluster,
			text: fmt.Sprintf("%s@%s/%s", spec.Percona.UserName, cluster, spec.Percona.DatabaseName)}
	case spec.Database.PostgresSecretRef != nil:
		return databaseIdentity{kind: kindPostgres}
	case spec.Database.SQLite != nil:
		return databaseIdentity{kind: kindSQLite, text: spec.Database.SQLite.Path}
	}
	return databaseIdentity{kind: kindSQLite}
}

// portInIdentity is the port in USER@HOST:PORT/DATABASE.
var portInIdentity = regexp.MustCompile(`:[0-9]+/`)

// is says that this is the database that the status has on record. Another port is no other database: a pooler is put
// before one, or taken away. If it is one after all, the machine SID tells.
func (d databaseIdentity) is(recorded *dittofsv1alpha1.DatabaseStatus) bool {
	plain := func(text string) string { return portInIdentity.ReplaceAllString(text, "/") }
	return d.kind == recorded.Kind && plain(d.text) == plain(recorded.Identity)
}

// guardDatabase holds everything that would restart the server on another database than it was set up with. dfs boots
// happily on a blank one and answers 200 everywhere, and then all shares and users are gone. A status without a record, as
// after the loss of our store, records what it finds.
func (p *pass) guardDatabase(start *startState) {
	if !start.ready {
		return
	}
	p.identity = start.database
	recorded := p.stored.Status.Database
	if recorded == nil || recorded.Identity == "" || start.database.is(recorded) {
		return
	}
	if accepted(p.server) {
		p.otherDatabase = true
		return
	}
	p.identity, start.ready = databaseIdentity{}, false
	source := "The spec"
	if ref := p.server.Spec.PostgresSecret(); ref != nil {
		source = "Secret " + ref.Name
	}
	consequence := "The server is not started on it."
	if p.set != nil {
		consequence = "The pod and its configuration stay as they are."
	}
	p.add(0, dittofsv1alpha1.ConditionConfigReady, reasonDatabaseIdentityChanged,
		"%s leads to another database (%s %s) than this server was set up with (%s %s). %s Put it back, or set the annotation %s "+
			"if the other database holds, or may replace, what the server knows.",
		source, start.database.kind, start.database.text, recorded.Kind, recorded.Identity, consequence, dittofsv1alpha1.AnnotationAcceptEmptyDatabase)
}

// accepted says that the user takes another, possibly empty, database for the server's own.
func accepted(server *dittofsv1alpha1.DittoServer) bool {
	_, yes := server.Annotations[dittofsv1alpha1.AnnotationAcceptEmptyDatabase]
	return yes
}
