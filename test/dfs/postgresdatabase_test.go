// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
	"github.com/dittofs/dittofs-apiserver/test/standin/certs"
)

// onPercona gives the server what the Percona operator leaves behind for a user.
func (s *server) onPercona(p *postgresServer, database, password string) {
	s.object.Spec.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true, DatabaseName: database, UserName: database}
	s.t.Cleanup(s.stop) // before the database goes
	s.furnishPercona(p, password)
}

func (s *server) furnishPercona(p *postgresServer, password string) {
	spec := s.object.Spec.Percona
	s.secrets[render.PerconaUserSecretName(s.object)] = map[string]string{
		"host": render.PerconaClusterName(s.object) + "-primary." + s.object.Namespace + ".svc", "port": postgresPort,
		"dbname": spec.DatabaseName, "user": spec.UserName, "password": password,
		"uri": "not read", "verifier": "not read",
	}
	ca := render.PerconaCASecret(s.object)
	s.secrets[ca.Name] = map[string]string{ca.Key: p.ca.PEM, "tls.key": "the private key of PostgreSQL, which nobody needs here"}
}

// onPostgres gives the server a Secret of a user.
func (s *server) onPostgres(database, password, sslmode string) {
	s.object.Spec.Database.Type = dittofsv1alpha1.DatabasePostgres
	s.object.Spec.Database.PostgresSecretRef = &dittofsv1alpha1.SecretReference{Name: "postgres"}
	s.secrets["postgres"] = map[string]string{"host": "postgres.team.svc", "port": postgresPort, "database": database, "user": database,
		"password": password}
	if sslmode != "" {
		s.secrets["postgres"]["sslmode"] = sslmode
	}
}

func TestPostgreSQLByPercona(t *testing.T) {
	proves(t, "PostgreSQL over TLS verify-full as rendered for Percona: boots, every connection is encrypted, the tables are in the user's own schema (autoCreateUserSchema), a restart keeps the identity")
	p := newPostgres(t)
	password := p.database(t, "percona")
	p.schemaOf(t, "percona")
	s := newServer(t)
	s.onPercona(p, "percona", password)
	s.start()
	c := newCluster(s)
	first := c.probe()
	if first.Token != dfsprobe.TokenAccepted || !first.DatabaseReachable || first.MachineSID == "" {
		t.Errorf("observed %+v", first)
	}
	if got := p.sql(t, "percona", "SELECT count(*) > 0 AND bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'percona'"); got != "t" {
		t.Errorf("connections that are encrypted: %s", got)
	}
	if got := p.sql(t, "percona", "SELECT string_agg(DISTINCT schemaname, ',') FROM pg_tables WHERE tableowner = 'percona'"); got != "percona" {
		t.Errorf("the tables are in %q", got)
	}
	s.stop()
	s.start()
	c.replacePod("pod-uid-2")
	if o := c.probe(); o.MachineSID != first.MachineSID {
		t.Errorf("after a restart the identity is %s, it was %s", o.MachineSID, first.MachineSID)
	}
}

func TestPostgreSQLThatIsNotWhoItSaysItIs(t *testing.T) {
	proves(t, "verify-full refuses another CA and a certificate for another name: dfs ends, and says which")
	p := newPostgres(t)
	password := p.database(t, "verified")
	p.schemaOf(t, "verified")
	tests := []struct {
		name  string
		spoil func(*server)
		want  string
	}{
		{"another CA", func(s *server) {
			ca := render.PerconaCASecret(s.object)
			s.secrets[ca.Name][ca.Key] = certs.NewAuthority(t).PEM
		}, "certificate signed by unknown authority"},
		{"another name", func(s *server) {
			s.secrets[render.PerconaUserSecretName(s.object)]["host"] = postgresIP
		}, "doesn't contain any IP SANs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			s.onPercona(p, "verified", password)
			tt.spoil(s)
			if err := s.tryStart(); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "exit status 1") {
				t.Errorf("it started: %v", err)
			}
		})
	}
}

func TestPostgreSQLOfTheUser(t *testing.T) {
	proves(t, "a Secret of the user: sslmode require and verify-full (CA by SSL_CERT_FILE) work, without sslmode a server that demands TLS refuses")
	p := newPostgres(t)
	tests := []struct {
		name, database, sslmode string
		trust                   bool
		refused                 string
	}{
		{"encrypted, whoever it is", "required", "require", false, ""},
		{"verified", "trusted", "verify-full", true, ""},
		{"verified without an authority", "untrusted", "verify-full", false, "certificate signed by unknown authority"},
		{"in the open", "plain", "", false, "no encryption"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			password := p.database(t, tt.database)
			p.schemaOf(t, tt.database)
			s := newServer(t)
			s.onPostgres(tt.database, password, tt.sslmode)
			if tt.trust {
				s.configMaps["ca"] = map[string]string{"ca.crt": p.ca.PEM}
				s.object.Spec.ExtraVolumes = []corev1.Volume{{Name: "ca", VolumeSource: corev1.VolumeSource{
					ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "ca"}}}}}
				s.object.Spec.ExtraVolumeMounts = []corev1.VolumeMount{{Name: "ca", MountPath: "/own-ca", ReadOnly: true}}
				s.object.Spec.ExtraEnv = []corev1.EnvVar{{Name: "SSL_CERT_FILE", Value: "/own-ca/ca.crt"}}
			}
			err := s.tryStart()
			if tt.refused == "" && err != nil || tt.refused != "" && (err == nil || !strings.Contains(err.Error(), tt.refused)) {
				t.Fatalf("started: %v", err)
			}
			if err == nil && !newCluster(s).probe().DatabaseReachable {
				t.Error("the database is not reachable")
			}
		})
	}
}

// What PerconaSchemaNotWritable is about. The words are what a user is told to look for in the log.
func TestARoleWithoutASchema(t *testing.T) {
	proves(t, "ALL on the database alone ends in SQLSTATE 42501 on PostgreSQL 15; the SQL that we print cures it")
	p := newPostgres(t)
	password := p.database(t, "noschema")
	s := newServer(t)
	s.onPercona(p, "noschema", password)
	err := s.tryStart()
	if err == nil || !strings.Contains(err.Error(), "SQLSTATE 42501") || !strings.Contains(err.Error(), "permission denied for schema public") ||
		!strings.Contains(err.Error(), "exit status 1") {
		t.Fatalf("it started: %v", err)
	}
	t.Logf("dfs says: %s", lastLine(err.Error()))
	p.schemaOf(t, "noschema")
	s.start()
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func TestPostgreSQLThatIsDown(t *testing.T) {
	proves(t, "PostgreSQL down at the start ends dfs with 1; down later, health says unreachable with a 200, and it recovers by itself")
	p := newPostgres(t)
	password := p.database(t, "down")
	p.schemaOf(t, "down")
	s := newServer(t)
	s.onPercona(p, "down", password)
	p.stop(t)
	if err := s.tryStart(); err == nil || !strings.Contains(err.Error(), "connection refused") || !strings.Contains(err.Error(), "exit status 1") {
		t.Fatalf("it started: %v", err)
	}
	p.start(t)
	s.start()
	c := newCluster(s)
	if o := c.probe(); !o.DatabaseReachable {
		t.Fatalf("observed %+v", o)
	}
	p.stop(t)
	if o := c.until(func(o dfsprobe.Observation) bool { return !o.DatabaseReachable }); o.Database != "unreachable" || !o.Reached {
		t.Errorf("while it is down: %+v", o)
	}
	if probe := c.dfsContainer().LivenessProbe; !passes(t.Context(), c.dfsContainer(), probe) {
		t.Error("the kubelet would restart it")
	}
	p.start(t)
	if o := c.until(func(o dfsprobe.Observation) bool { return o.DatabaseReachable }); o.Database != "reachable" {
		t.Errorf("afterwards: %+v", o)
	}
}

// Why the content of the CA is in the config hash.
func TestAReplacedCA(t *testing.T) {
	proves(t, "with a certificate of another CA PostgreSQL is unreachable until dfs is restarted, which is why the CA is in the config hash")
	p := newPostgres(t)
	password := p.database(t, "replaced")
	p.schemaOf(t, "replaced")
	s := newServer(t)
	s.onPercona(p, "replaced", password)
	s.start()
	c := newCluster(s)
	old, next := p.ca, certs.NewAuthority(t)
	t.Cleanup(func() { p.stop(t); p.serve(t, old); p.ca = old; p.start(t) })
	p.stop(t)
	p.serve(t, next)
	p.ca = next
	p.start(t)
	ca := render.PerconaCASecret(s.object)
	s.secrets[ca.Name][ca.Key] = next.PEM
	s.renew() // the file in the pod is the new one
	if o := c.until(func(o dfsprobe.Observation) bool { return !o.DatabaseReachable }); o.Database != "unreachable" {
		t.Errorf("before the restart: %+v", o)
	}
	s.stop()
	s.start()
	c.replacePod("pod-uid-2")
	if o := c.until(func(o dfsprobe.Observation) bool { return o.DatabaseReachable }); o.Failure != "" {
		t.Errorf("after the restart: %+v", o)
	}
}
