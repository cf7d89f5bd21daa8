// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/dittofs/dittofs-apiserver/test/standin/certs"
)

// postgresUser is whom PostgreSQL runs as: it refuses root.
const postgresUser = 65534

// postgresPort is the usual one: the network is ours.
const postgresPort = "5432"

// postgresServer is one PostgreSQL for all tests, each with a database of its own. It speaks TLS only.
type postgresServer struct {
	dir string // its socket is in it too
	ca  *certs.Authority
}

var thePostgres *postgresServer

// postgresProgram is a program of the newest PostgreSQL of this machine.
func postgresProgram(program string) string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program)
	if len(found) > 0 {
		slices.Sort(found)
		return found[len(found)-1]
	}
	path, _ := exec.LookPath(program)
	return path
}

// newPostgres starts it when the first test asks. The authority is that of that test's life and of all others.
func newPostgres(t *testing.T) *postgresServer {
	t.Helper()
	if postgresProgram("initdb") == "" || postgresProgram("psql") == "" {
		t.Skip("PostgreSQL is not installed: apt-get install postgresql-15")
	}
	if thePostgres != nil {
		thePostgres.start(t)
		return thePostgres
	}
	dir, err := os.MkdirTemp("", "dfs-test-postgres")
	if err != nil {
		t.Fatal(err)
	}
	p := &postgresServer{dir: dir, ca: certs.NewAuthority(t)}
	thePostgres = p
	if err := os.Chown(dir, postgresUser, postgresUser); err != nil {
		t.Fatal(err)
	}
	p.run(t, "initdb", "-D", p.data(), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C")
	p.serve(t, p.ca)
	p.write(t, "pg_hba.conf", "local all all trust\nhostssl all all all scram-sha-256\n")
	p.start(t)
	return p
}

func (p *postgresServer) data() string { return filepath.Join(p.dir, "data") }

// serve gives it a certificate of an authority, for the names of the cluster. It takes a restart.
func (p *postgresServer) serve(t *testing.T, ca *certs.Authority) {
	t.Helper()
	leaf := ca.Leaf(nil, hosts[postgresIP]...)
	p.write(t, "server.crt", leaf[corev1.TLSCertKey])
	p.write(t, "server.key", leaf[corev1.TLSPrivateKeyKey])
}

func (p *postgresServer) write(t *testing.T, name, content string) {
	t.Helper()
	file := filepath.Join(p.data(), name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(file, postgresUser, postgresUser); err != nil {
		t.Fatal(err)
	}
}

// start does nothing if it runs.
func (p *postgresServer) start(t *testing.T) {
	t.Helper()
	if p.command("pg_ctl", "-D", p.data(), "status").Run() == nil {
		return
	}
	options := []string{"-c", "listen_addresses=" + postgresIP, "-c", "port=" + postgresPort, "-c", "unix_socket_directories=" + p.dir,
		"-c", "ssl=on", "-c", "max_connections=50", "-c", "fsync=off", "-c", "full_page_writes=off",
		"-c", "max_wal_size=256MB", "-c", "autovacuum=off"}
	p.run(t, "pg_ctl", "-D", p.data(), "-l", filepath.Join(p.dir, "log"), "-w", "-t", "60", "-o", strings.Join(options, " "), "start")
}

func (p *postgresServer) stop(t *testing.T) {
	t.Helper()
	p.run(t, "pg_ctl", "-D", p.data(), "-w", "-m", "fast", "stop")
}

func (p *postgresServer) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(postgresProgram(program), args...)
	cmd.Dir = p.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: postgresUser, Gid: postgresUser}}
	return cmd
}

func (p *postgresServer) run(t *testing.T, program string, args ...string) {
	t.Helper()
	// Into a file: the server inherits its output, and whoever reads a pipe would wait for its end.
	out, err := os.CreateTemp("", "postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := p.command(program, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name())
		log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
		t.Fatalf("%s: %v\n%s\n%s", program, err, text, log)
	}
}

// sql runs statements as the owner of all.
func (p *postgresServer) sql(t *testing.T, database string, statements ...string) string {
	t.Helper()
	args := []string{"-h", p.dir, "-p", postgresPort, "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1", "-A", "-t", "-q"}
	for _, s := range statements {
		args = append(args, "-c", s)
	}
	out, err := p.command("psql", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("psql: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// database makes an empty one, and a role of the same name that may do everything with it: on PostgreSQL 15 that is not
// enough to make a table.
func (p *postgresServer) database(t *testing.T, database string) (password string) {
	t.Helper()
	password = "password of " + database
	p.sql(t, "postgres", fmt.Sprintf("CREATE ROLE %q LOGIN PASSWORD '%s'", database, password),
		fmt.Sprintf("CREATE DATABASE %q", database), fmt.Sprintf("GRANT ALL ON DATABASE %q TO %q", database, database))
	return password
}

// databaseOf makes one for a user as the Percona operator does, with a schema of the user's own.
func (p *postgresServer) databaseOf(t *testing.T, database, user string) (password string) {
	t.Helper()
	password = "password of " + user
	p.sql(t, "postgres", fmt.Sprintf("CREATE ROLE %q LOGIN PASSWORD '%s'", user, password),
		fmt.Sprintf("CREATE DATABASE %q", database), fmt.Sprintf("GRANT ALL ON DATABASE %q TO %q", database, user))
	p.sql(t, database, fmt.Sprintf("CREATE SCHEMA %q AUTHORIZATION %q", user, user))
	return password
}

// drop takes away what databaseOf made.
func (p *postgresServer) drop(t *testing.T, database, user string) {
	t.Helper()
	p.sql(t, "postgres", fmt.Sprintf("DROP DATABASE %q WITH (FORCE)", database), fmt.Sprintf("DROP ROLE %q", user))
}

// schemaOf is what Percona's autoCreateUserSchema comes to.
func (p *postgresServer) schemaOf(t *testing.T, user string) {
	t.Helper()
	p.sql(t, user, fmt.Sprintf("CREATE SCHEMA %q AUTHORIZATION %q", user, user))
}

func stopPostgres() {
	if thePostgres == nil {
		return
	}
	_ = thePostgres.command("pg_ctl", "-D", thePostgres.data(), "-m", "immediate", "stop").Run()
	_ = os.RemoveAll(thePostgres.dir)
}
