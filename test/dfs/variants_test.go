// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// variants are all DittoServers that the project renders anywhere: the golden cases of the renderer and the samples.
var variants = []string{
	"../../pkg/render/testdata/*.in.yaml", "../../pkg/render/testdata/network/*.in.yaml", "../../pkg/render/testdata/percona/*.in.yaml",
	"../../artifacts/samples/dittoserver*.yaml",
}

// unknownToDfs is what dfs says of a key that it does not know. It goes on without it.
const unknownToDfs = "config contains unknown keys"

func TestEveryVariantBoots(t *testing.T) {
	proves(t, "every golden case of the renderer and every sample boots as rendered (paths, user, read-only root, env), its probes pass, the controller's probe finds it as it should be, it stops with 0 in its grace period and starts again")
	for _, pattern := range variants {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no files %s: %v", pattern, err)
		}
		for _, file := range files {
			for i, object := range dittoServers(t, file) {
				variant := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(file, "../../pkg/render/testdata/"), "../../artifacts/"), ".yaml")
				if i > 0 {
					variant += "-" + object.Name
				}
				t.Run(strings.TrimSuffix(variant, ".in"), func(t *testing.T) {
					proves(t, "boots, is probed, stops with 0, starts again")
					bootVariant(t, file, object)
				})
			}
		}
	}
}

func bootVariant(t *testing.T, file string, object *dittofsv1alpha1.DittoServer) {
	t.Helper()
	if object.Namespace == "" {
		object.Namespace = namespace
	}
	if object.UID == "" {
		object.UID = "server-uid"
	}
	s := newServerOf(t, object)
	if text, err := os.ReadFile(strings.TrimSuffix(file, ".in.yaml") + ".live.yaml"); err == nil && filepath.Dir(file) == "../../pkg/render/testdata" {
		s.live = &appsv1.StatefulSet{}
		s.must(yaml.UnmarshalStrict(text, s.live))
	}
	s.onAnyPostgres()
	s.start()
	if *s.set.Spec.Replicas == 0 {
		t.Log("the spec asks for no pod: what one would run was started all the same")
	}
	known := strings.Contains(s.configMaps[render.ConfigMapName(object.Name)][render.ConfigKey], "cache:") // of dfs before v0.9
	if log := s.wholeLog(); strings.Contains(log, unknownToDfs) != known {
		t.Errorf("keys that dfs does not know:\n%s", log)
	}
	c := newCluster(s)
	o := c.probe()
	if o.Failure != "" || o.Token != dfsprobe.TokenAccepted || !o.DatabaseReachable || o.MachineSID == "" {
		t.Errorf("observed %+v", o)
	}
	for _, a := range o.EnabledAdapters() {
		if !a.Serving {
			t.Errorf("adapter %s does not serve: %s", a.Type, a.Detail)
		}
	}
	for name, problem := range o.Providers {
		if problem != "" {
			t.Errorf("%s: %s", name, problem)
		}
	}
	for _, p := range o.Policies {
		if p.Reason != dfsprobe.PolicyShareNotFound {
			t.Errorf("policy of %s: %+v", p.Share, p)
		}
	}
	s.checkMetrics()
	s.stop()
	s.must(s.startRendered())
	c.replacePod("pod-uid-2")
	if again := c.probe(); again.MachineSID != o.MachineSID && !object.Spec.Storage.Ephemeral {
		t.Errorf("after a restart the identity is %s, it was %s", again.MachineSID, o.MachineSID)
	}
}

// onAnyPostgres gives a server that wants PostgreSQL what leads to ours.
func (s *server) onAnyPostgres() {
	s.t.Helper()
	spec := &s.object.Spec
	if spec.PostgresSecret() == nil && (spec.Percona == nil || !spec.Percona.Enabled) {
		return
	}
	p := newPostgres(s.t)
	database := strings.ToLower(strings.NewReplacer("/", "-", ".", "-").Replace(s.t.Name()))
	if spec.Percona != nil && spec.Percona.Enabled {
		database = spec.Percona.UserName
		password := p.databaseOf(s.t, spec.Percona.DatabaseName, database)
		// The next variant may have the same names.
		s.t.Cleanup(func() { s.stop(); p.drop(s.t, spec.Percona.DatabaseName, database) })
		s.furnishPercona(p, password)
		return
	}
	password := p.database(s.t, database)
	p.schemaOf(s.t, database)
	ref := spec.PostgresSecret()
	s.secrets[ref.Name] = map[string]string{"host": "postgres.team.svc", "database": database, "user": database, "password": password,
		"port": postgresPort, "sslmode": "require"}
}

// dittoServers are those of a file, which may have other objects too.
func dittoServers(t *testing.T, file string) []*dittofsv1alpha1.DittoServer {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []*dittofsv1alpha1.DittoServer
	for _, document := range strings.Split(string(text), "\n---\n") {
		kind := struct{ Kind string }{}
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if kind.Kind != "DittoServer" {
			continue
		}
		object := &dittofsv1alpha1.DittoServer{}
		if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, object)
	}
	return out
}

// checkMetrics scrapes with and without the token, if there are metrics.
func (s *server) checkMetrics() {
	s.t.Helper()
	metrics := s.object.Spec.Metrics
	if metrics == nil || !metrics.Enabled {
		return
	}
	ctx, base := s.t.Context(), "http://"+hostPort(podIP, *metrics.Port)
	without := send(ctx, s.t, "GET", base+metrics.Path, "", nil)
	with := send(ctx, s.t, "GET", base+metrics.Path, metricsToken, nil)
	if with.code != 200 || !strings.Contains(with.body, "dittofs_build_info") {
		s.t.Errorf("metrics: %d", with.code)
	}
	if wanted := metrics.BearerTokenSecret != nil; wanted != (without.code == 401) {
		s.t.Errorf("metrics without the token: %d", without.code)
	}
	if other := send(ctx, s.t, "GET", base+"/elsewhere", metricsToken, nil); other.code != 404 {
		s.t.Errorf("metrics elsewhere: %d", other.code)
	}
}

func TestWhatTheConfigOverlayMayHave(t *testing.T) {
	proves(t, "spec.config merged over the rendered config is read by dfs, and its refusals are seen")
	s := newServer(t)
	s.object.Spec.Config = map[string]dittofsv1alpha1.Value{}
	overlay := `{"gc":{"grace_period":"2h","auto_enabled":false},"snapshot":{"scheduler_poll_interval":"5m"},"controlplane":{"idle_timeout":"90s"},
		"metadata":{"badger":{"block_cache_mb":64}},"blockstore":{"local":{"backpressure_max_wait":"30s","max_log_bytes":1073741824}}}`
	s.must(yaml.Unmarshal([]byte(overlay), &s.object.Spec.Config))
	s.start()
	if log := s.wholeLog(); strings.Contains(log, unknownToDfs) {
		t.Errorf("keys that dfs does not know:\n%s", log)
	}
	if health, err := s.client().Health(t.Context()); err != nil || health.ControlPlaneDB != dfs.DatabaseReachable {
		t.Errorf("%+v %v", health, err)
	}
	s.stop()
	s.must(yaml.Unmarshal([]byte(`{"gc":{"grace_period":"1m"}}`), &s.object.Spec.Config))
	if err := s.tryStart(); err == nil || !strings.Contains(err.Error(), "grace_period") {
		t.Errorf("it started with a grace period that is too short: %v", err)
	}
}
