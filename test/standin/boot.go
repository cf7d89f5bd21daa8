// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/crypto/bcrypt"
	corev1 "k8s.io/api/core/v1"
)

const (
	minSecretBytes   = 32
	minPasswordBytes = 8
	maxPasswordBytes = 72
)

// boot starts a server in the order of the real one, so that a start that fails late has left behind what the real one
// would have left behind: a missing JWT secret is noticed after the administrator was written.
func (s *Server) boot(ctx context.Context, key serverKey, pod *corev1.Pod) (*process, []string, error) {
	c := dfsContainer(pod)
	if c == nil {
		return nil, nil, fmt.Errorf("the pod has no container %s", containerName)
	}
	reader := newPodReader(s.client, pod)
	if err := reader.mountAll(ctx, c); err != nil {
		return nil, nil, err
	}
	env, err := reader.environment(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	file, err := reader.configFile(ctx)
	if err != nil {
		return nil, nil, err
	}
	cfg, warnings, err := loadSettings(file, env)
	if err != nil {
		return nil, warnings, fmt.Errorf("exit code 1: %w", err)
	}
	if err := checkWritable(pod, c, cfg.str("logging.output"), "logging.output"); err != nil {
		return nil, warnings, err
	}
	if s.environment(key).databaseDown {
		return nil, warnings, errors.New("exit code 1: failed to initialize control plane store: connection refused")
	}
	db, err := s.openDatabase(ctx, reader, c, cfg)
	if err != nil {
		return nil, warnings, err
	}

	db.mu.Lock()
	defer db.mu.Unlock()
	now := s.now()
	if err := db.ensureAdmin(cfg, env["DITTOFS_ADMIN_INITIAL_PASSWORD"], now); err != nil {
		return nil, warnings, fmt.Errorf("exit code 1: failed to ensure admin user: %w", err)
	}
	if db.groups == nil {
		db.groups = []string{"admins", "operators", "users"}
	}
	db.ensureAdapters(now)
	db.seedProviders(cfg)

	secret := cfg.str("controlplane.jwt.secret")
	if len(secret) < minSecretBytes {
		return nil, warnings, fmt.Errorf("exit code 1: failed to create API server: JWT secret must be at least %d characters; set via DITTOFS_CONTROLPLANE_SECRET env var or config", minSecretBytes)
	}
	if err := reader.checkFiles(ctx, c, cfg, db.kerberosRow); err != nil {
		return nil, warnings, fmt.Errorf("exit code 1: %w", err)
	}
	served, err := s.newServedTLS(ctx, pod, c, cfg)
	if err != nil {
		return nil, warnings, fmt.Errorf("exit code 1: failed to create API server: %w", err)
	}
	db.ensureMachineSID(cfg.str("identity.machine_sid"), now)

	p := newProcess(cfg, secret, db, s.now)
	p.privileged, p.tls = mayBindLowPorts(c), served
	if err := p.startAdapters(); err != nil {
		return nil, warnings, err
	}
	// A server that listens on the loopback of its pod is healthy in its own eyes and reached by nobody.
	p.loopback = cfg.str("controlplane.host") == "127.0.0.1" || cfg.str("controlplane.host") == "localhost"
	if p.loopback {
		warnings = append(warnings, "controlplane.host is "+cfg.str("controlplane.host")+": the API cannot be reached from outside the pod")
	}
	return p, warnings, nil
}

// configFile is config.yaml of the ConfigMap behind the volume "config".
func (r *podReader) configFile(ctx context.Context) ([]byte, error) {
	for i := range r.pod.Spec.Volumes {
		if v := &r.pod.Spec.Volumes[i]; v.Name == "config" {
			files, err := r.files(ctx, v)
			if err != nil {
				return nil, err
			}
			if content, ok := files["config.yaml"]; ok {
				return content, nil
			}
		}
	}
	return nil, errors.New("exit code 1: configuration file not found: /config/config.yaml")
}

// openDatabase finds the database by what really holds it. A new claim under the old name is a new, empty database.
func (s *Server) openDatabase(ctx context.Context, r *podReader, c *corev1.Container, cfg settings) (*database, error) {
	var key string
	if cfg.str("database.type") == "postgres" {
		key = fmt.Sprintf("postgres:%s:%d/%s", cfg.str("database.postgres.host"), cfg.num("database.postgres.port"), cfg.str("database.postgres.database"))
	} else {
		file := cfg.str("database.sqlite.path")
		if file == "" {
			file = "/app/.config/dittofs/controlplane.db"
		}
		if err := checkWritable(r.pod, c, file, "database.sqlite.path"); err != nil {
			return nil, err
		}
		// On the container's layer or in an emptyDir it lives no longer than the pod.
		key = "sqlite:pod/" + string(r.pod.UID) + ":" + file
		if at := locate(r.pod, c, file); at.volume != nil && at.volume.PersistentVolumeClaim != nil {
			uid, err := r.claimUID(ctx, at.volume)
			if err != nil {
				return nil, err
			}
			key = "sqlite:claim/" + uid + ":" + at.rel
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.databases[key] == nil {
		s.databases[key] = newDatabase(key)
		if s.keptDatabases {
			sum := sha256.Sum256([]byte(key))
			s.databases[key].setSetting("machine_sid", machineSID(sum[:]), s.now())
		}
	}
	return s.databases[key], nil
}

// checkWritable refuses a file on a root file system that the pod made read-only. Without logging.output, dfs logs to a
// file in its home directory, which such a pod cannot create.
func checkWritable(pod *corev1.Pod, c *corev1.Container, file, key string) error {
	if file == "stdout" || file == "stderr" {
		return nil
	}
	if file == "" {
		file = "/app/.local/state/dittofs/dittofs.log"
	}
	readOnly := c.SecurityContext != nil && isTrue(c.SecurityContext.ReadOnlyRootFilesystem)
	if readOnly && locate(pod, c, file).volume == nil {
		return fmt.Errorf("exit code 1: %s: mkdir %s: read-only file system", key, path.Dir(file))
	}
	return nil
}

// checkFiles looks for the files that a start needs, as far as they come from Secrets and ConfigMaps.
func (r *podReader) checkFiles(ctx context.Context, c *corev1.Container, cfg settings, kerberos *kerberosConfig) error {
	wanted := map[string]string{}
	for _, key := range []string{"controlplane.tls.cert_file", "controlplane.tls.key_file", "controlplane.tls.client_ca"} {
		wanted[key] = cfg.str(key)
	}
	if cfg.on("metrics.enabled") {
		for _, key := range []string{"metrics.tls.cert_file", "metrics.tls.key_file", "metrics.tls.client_ca"} {
			wanted[key] = cfg.str(key)
		}
		if cfg.str("metrics.auth") == "token" {
			wanted["metrics.token_file"] = cfg.str("metrics.token_file")
		}
	}
	if mode := cfg.str("database.postgres.sslmode"); cfg.str("database.type") == "postgres" && strings.HasPrefix(mode, "verify-") {
		wanted["database.postgres.ssl_root_cert"] = cfg.str("database.postgres.ssl_root_cert")
	}
	if kerberos != nil && kerberos.Enabled {
		wanted["kerberos.keytab_path"] = kerberos.KeytabPath
		if v := cfg.str("kerberos.keytab_path"); v != "" {
			wanted["kerberos.keytab_path"] = v // taken from the file even when the stored row says otherwise
		}
		// The image of dfs has no /etc/krb5.conf.
		wanted["kerberos.krb5_conf"] = cmp.Or(cfg.str("kerberos.krb5_conf"), kerberos.Krb5Conf, "/etc/krb5.conf")
	}
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		file := wanted[key]
		if file == "" {
			continue
		}
		content, err := r.read(ctx, c, file)
		if errors.Is(err, errNotMounted) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if key == "metrics.token_file" && len(bytes.TrimSpace(content)) == 0 {
			return fmt.Errorf("%s: %s is empty", key, file)
		}
	}
	return nil
}

func mayBindLowPorts(c *corev1.Container) bool {
	if c.SecurityContext == nil || c.SecurityContext.Capabilities == nil {
		return false
	}
	return slices.Contains(c.SecurityContext.Capabilities.Add, "NET_BIND_SERVICE")
}

// ensureAdmin writes the administrator when the database is new. Afterwards neither password counts any more.
func (d *database) ensureAdmin(cfg settings, password string, now time.Time) error {
	if d.findUser("admin") != nil {
		return nil
	}
	admin := &user{ID: uuid.NewString(), Username: "admin", DisplayName: "Administrator", Role: "admin",
		UID: new(uint32), Groups: []string{"admins"}, Enabled: true, CreatedAt: now}
	configured := cfg.str("admin.password_hash")
	switch {
	case password != "":
		hash, err := hashPassword(password)
		if err != nil {
			return err
		}
		admin.Hash = hash
	case configured != "":
		if _, err := bcrypt.Cost([]byte(configured)); err != nil {
			return fmt.Errorf("admin.password_hash is not a valid bcrypt hash: %w", err)
		}
		admin.Hash = []byte(configured)
	default:
		// Nobody will ever know this one: dfs prints it to a terminal only.
		hash, err := hashPassword(rand.Text())
		if err != nil {
			return err
		}
		admin.Hash, admin.MustChange = hash, cfg.on("controlplane.require_initial_password_change")
	}
	d.users = append(d.users, admin)
	return nil
}

// ensureAdapters recreates what is missing, so a deleted adapter is back, enabled, after every start.
func (d *database) ensureAdapters(now time.Time) {
	for _, a := range []adapterRow{{Type: "nfs", Port: 12049}, {Type: "smb", Port: 1445}} {
		if d.findAdapter(a.Type) == nil {
			a.ID, a.Enabled, a.CreatedAt, a.UpdatedAt = uuid.NewString(), true, now, now
			d.adapters = append(d.adapters, &a)
			d.resetAdapterSettings(a.Type)
		}
	}
}

// ensureMachineSID generates the identity of a new database. A pinned one overwrites whatever is stored.
func (d *database) ensureMachineSID(pinned string, now time.Time) {
	switch stored := d.setting("machine_sid"); {
	case pinned != "":
		d.setSetting("machine_sid", pinned, now)
	case stored == "":
		var b [12]byte
		_, _ = rand.Read(b[:]) // never fails
		d.setSetting("machine_sid", machineSID(b[:]), now)
	}
}

func machineSID(b []byte) string {
	return fmt.Sprintf("S-1-5-21-%d-%d-%d", binary.LittleEndian.Uint32(b[0:]), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:]))
}

func hashPassword(password string) ([]byte, error) {
	if len(password) < minPasswordBytes {
		return nil, errors.New("password must be at least 8 characters")
	}
	if len(password) > maxPasswordBytes {
		return nil, errors.New("password must be at most 72 characters")
	}
	// The lowest cost: these passwords protect nothing, and a hundred servers start on a small machine.
	return bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
}
