// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/test/standin/certs"
)

func TestAServerLivesAsLongAsItsPod(t *testing.T) {
	w := newWorld(t)
	pods := w.client.CoreV1().Pods(testNamespace)
	silent := func(when string) {
		t.Helper()
		if _, err := w.try("GET", "/health", "", nil); err == nil {
			t.Errorf("it answers %s", when)
		}
	}
	silent("without a pod")

	pod := w.run(demoPod("u1"), StateRunning)
	if pod.Database != "sqlite:claim/claim-1:controlplane.db" {
		t.Errorf("database %q", pod.Database)
	}
	h, err := w.dfs(testSecret).Health(t.Context())
	if err != nil || !h.DatabaseReachable() || h.Status != "healthy" {
		t.Errorf("%+v %v", h, err)
	}

	if _, err := pods.Update(t.Context(), setReady(demoPod("u1"), false), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.waitFor("u1", StateNotReady)
	silent("while its pod is not ready")

	if _, err := pods.Update(t.Context(), demoPod("u1"), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if again := w.waitFor("u1", StateRunning); again.Starts != 1 {
		t.Errorf("the same process was started %d times", again.Starts)
	}

	if err := pods.Delete(t.Context(), "demo-0", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.wait("the server is gone", func() bool { return len(w.server.Servers()) == 0 })
	silent("after its pod")
}

func TestAServerThatDoesNotStart(t *testing.T) {
	tests := []struct {
		name   string
		change func(w *world, pod *corev1.Pod)
		reason string
	}{
		{"has no JWT secret", func(_ *world, p *corev1.Pod) { p.Spec.Containers[0].Env = p.Spec.Containers[0].Env[1:] }, "JWT secret must be at least 32"},
		{"has a short JWT secret", func(w *world, _ *corev1.Pod) { w.putSecret("demo-jwt-secret", "jwt-secret", testSecret[:31]) }, "JWT secret must be at least 32"},
		{"names a Secret that does not exist", func(w *world, p *corev1.Pod) { p.Spec.Containers[0].Env[0].ValueFrom.SecretKeyRef.Name = "gone" }, "CreateContainerConfigError: Secret gone"},
		{"names a key that does not exist", func(w *world, p *corev1.Pod) { p.Spec.Containers[0].Env[0].ValueFrom.SecretKeyRef.Key = "gone" }, "has no key gone"},
		{"has a first password that is too short", func(w *world, _ *corev1.Pod) { w.putSecret("demo-admin", "password", "seven77") }, "at least 8"},
		{"has a first password that is too long", func(w *world, _ *corev1.Pod) { w.putSecret("demo-admin", "password", strings.Repeat("p", 73)) }, "at most 72"},
		{"lacks its claim", func(_ *world, p *corev1.Pod) { p.Spec.Volumes[0].PersistentVolumeClaim.ClaimName = "gone" }, "claim gone does not exist"},
		{"lacks its ConfigMap", func(_ *world, p *corev1.Pod) { p.Spec.Volumes[1].ConfigMap.Name = "gone" }, "FailedMount"},
		{"has a PostgreSQL host and no user", func(w *world, _ *corev1.Pod) {
			w.putConfig("logging: {output: stdout}\ndatabase: {type: postgres, postgres: {host: pg, database: d}}")
		}, "postgres user is required"},
		{"has an unknown database type", func(w *world, _ *corev1.Pod) { w.putConfig("database: {type: mysql}") }, "database.type"},
		{"has a key twice", func(w *world, _ *corev1.Pod) { w.putConfig("database: {type: sqlite}\ndatabase: {type: sqlite}") }, "already set"},
		{"has a size with a unit", func(w *world, _ *corev1.Pod) {
			w.putConfig("blockstore: {local: {default_remote_cache_size: 10GiB}}")
		}, "cannot parse as int"},
		{"has a duration without unit", func(w *world, _ *corev1.Pod) { w.putConfig(`shutdown_timeout: "30"`) }, "missing unit"},
		{"has a certificate without key", func(w *world, _ *corev1.Pod) { w.putConfig("controlplane: {tls: {cert_file: /tls/tls.crt}}") }, "set together"},
		{"has a certificate that is not mounted", func(w *world, _ *corev1.Pod) {
			w.putConfig("controlplane: {host: 0.0.0.0, tls: {cert_file: /tls/tls.crt, key_file: /tls/tls.key}}")
		}, "no such file"},
		{"enables LDAP without the password of the account", func(w *world, _ *corev1.Pod) {
			w.putConfig("ldap: {enabled: true, url: 'ldaps://dc', base_dn: dc=x, bind_dn: cn=y}")
		}, "ldap.bind_password"},
		{"meets a service link that looks like a setting", func(w *world, p *corev1.Pod) {
			p.Spec.EnableServiceLinks = nil
			w.put(&corev1.Service{ObjectMeta: meta("dittofs-metrics"), Spec: corev1.ServiceSpec{ClusterIP: "10.0.0.9", Ports: []corev1.ServicePort{{Port: 9090}}}})
		}, "metrics.port"},
		{"logs to a file on a read-only root", func(w *world, p *corev1.Pod) {
			yes := true
			p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{ReadOnlyRootFilesystem: &yes}
			w.putConfig("database: {type: sqlite, sqlite: {path: /data/controlplane/c.db}}")
		}, "logging.output"},
		{"has its database out of reach", func(w *world, _ *corev1.Pod) { w.fault(Fault{Mode: FaultDatabaseDown}) }, "control plane store"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			pod := demoPod("u1")
			tc.change(w, pod)
			got := w.run(pod, StateFailed)
			if !strings.Contains(got.Reason, tc.reason) {
				t.Errorf("reason %q, want %q", got.Reason, tc.reason)
			}
			if strings.Contains(got.Reason, testSecret[:31]) {
				t.Errorf("the reason holds a secret: %q", got.Reason)
			}
			if _, err := w.try("GET", "/health", "", nil); err == nil {
				t.Error("it answers")
			}
		})
	}
}

func TestAServerOnTheLoopbackOfItsPodIsReachedByNobody(t *testing.T) {
	w := newWorld(t)
	w.putConfig("logging: {output: stdout}\ndatabase: {type: sqlite, sqlite: {path: /data/controlplane/c.db}}")
	w.run(demoPod("u1"), StateLoopback)
	if _, err := w.dfs(testSecret).Health(t.Context()); !dfs.IsUnreachable(err) {
		t.Errorf("got %v", err)
	}
}

func TestFilesOfSecretsAreFoundWhereTheyAreMounted(t *testing.T) {
	w := newWorld(t)
	data := certs.Data(certs.NewAuthority(t).Leaf(nil, "demo"))
	data["token"] = []byte("t")
	w.put(&corev1.Secret{ObjectMeta: meta("tls"), Data: data})
	w.putConfig("logging: {output: stdout}\ncontrolplane: {host: 0.0.0.0, tls: {cert_file: /tls/tls.crt, key_file: /tls/tls.key}}\n" +
		"database: {type: sqlite, sqlite: {path: /data/controlplane/c.db}}\nmetrics: {enabled: true, auth: token, token_file: /metrics-token/token}")
	pod := demoPod("u1")
	volume := func(name string, items ...corev1.KeyToPath) corev1.Volume {
		return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "tls", Items: items}}}
	}
	pod.Spec.Volumes = append(pod.Spec.Volumes, volume("tls"), volume("token", corev1.KeyToPath{Key: "token", Path: "sub/token"}))
	pod.Spec.Containers[0].VolumeMounts = append(pod.Spec.Containers[0].VolumeMounts,
		corev1.VolumeMount{Name: "tls", MountPath: "/tls"}, corev1.VolumeMount{Name: "token", MountPath: "/metrics-token", SubPath: "sub"})
	w.run(pod, StateRunning)
}

func TestUnknownKeysAreIgnoredWithAWarning(t *testing.T) {
	w := newWorld(t)
	w.putConfig(testConfig + "cache: {path: /x}\nmetrics: {enabled: false, colour: red}\n")
	got := w.run(demoPod("u1"), StateRunning)
	if want := "config contains unknown keys (ignored): cache, metrics.colour"; len(got.Warnings) != 1 || got.Warnings[0] != want {
		t.Errorf("warnings %q", got.Warnings)
	}
}

func TestAStartIsTriedAgainUntilItsSecretIsThere(t *testing.T) {
	w := newWorld(t)
	w.putSecret("demo-jwt-secret", "jwt-secret", "short")
	w.run(demoPod("u1"), StateFailed)
	w.putSecret("demo-jwt-secret", "jwt-secret", testSecret)
	if got := w.waitFor("u1", StateRunning); got.Starts < 2 {
		t.Errorf("%d starts", got.Starts)
	}
	// The failed starts came as far as writing the administrator, so that the password of then is the one that counts.
	if r := w.ask("POST", "/api/v1/auth/login", "", map[string]string{"username": "admin", "password": testPassword}); r.code != 200 {
		t.Errorf("login: %d %s", r.code, r.body)
	}
}

func TestASecretThatComesTooLateLeavesAnAdministratorNobodyKnows(t *testing.T) {
	w := newWorld(t)
	pod := demoPod("u1")
	pod.Spec.Containers[0].Env = nil
	w.run(pod, StateFailed)
	w.run(demoPod("u2"), StateRunning)
	r := w.ask("POST", "/api/v1/auth/login", "", map[string]string{"username": "admin", "password": testPassword})
	if r.code != 401 {
		t.Errorf("login: %d %s", r.code, r.body)
	}
	if _, err := w.dfs(testSecret).MachineSID(t.Context()); err != nil {
		t.Errorf("a signed token works all the same: %v", err)
	}
}

func TestPersistence(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	c := w.dfs(testSecret)
	first, err := c.MachineSID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	port := int32(10445)
	if _, err := c.UpdateAdapter(t.Context(), dfs.AdapterSMB, nil, &port); err != nil {
		t.Fatal(err)
	}
	if r := w.ask("DELETE", "/api/v1/adapters/nfs", w.admin(), nil); r.code != 204 {
		t.Fatalf("delete: %d %s", r.code, r.body)
	}
	w.putSecret("demo-admin", "password", "another password")

	t.Run("a new pod on the old claim keeps everything but a deletion of an adapter", func(t *testing.T) {
		w.run(demoPod("u2"), StateRunning)
		if sid, err := c.MachineSID(t.Context()); err != nil || sid != first {
			t.Errorf("machine SID %q %v, before %q", sid, err, first)
		}
		adapters, err := c.Adapters(t.Context())
		if err != nil || len(adapters) != 2 || adapters[0].Port != 12049 || adapters[1].Port != 10445 {
			t.Errorf("%+v %v", adapters, err)
		}
		if r := w.ask("POST", "/api/v1/auth/login", "", map[string]string{"username": "admin", "password": testPassword}); r.code != 200 {
			t.Errorf("the first password: %d %s", r.code, r.body)
		}
	})
	t.Run("a new claim of the same name is an empty database that looks healthy", func(t *testing.T) {
		w.putClaim("claim-2")
		w.run(demoPod("u3"), StateRunning)
		h, err := c.Health(t.Context())
		if err != nil || !h.DatabaseReachable() {
			t.Errorf("%+v %v", h, err)
		}
		if sid, err := c.MachineSID(t.Context()); err != nil || sid == first {
			t.Errorf("machine SID %q %v is the old one", sid, err)
		}
		if r := w.ask("POST", "/api/v1/auth/login", "", map[string]string{"username": "admin", "password": testPassword}); r.code != 401 {
			t.Errorf("the first password: %d %s", r.code, r.body)
		}
	})
	t.Run("PostgreSQL is known by host and database", func(t *testing.T) {
		w.putConfig("logging: {output: stdout}\ncontrolplane: {host: 0.0.0.0}\ndatabase: {type: postgres, postgres: {host: pg, database: d, user: u}}")
		if got := w.run(demoPod("u4"), StateRunning); got.Database != "postgres:pg:5432/d" {
			t.Errorf("database %q", got.Database)
		}
	})
	t.Run("a volume that is no claim is as empty as the pod is new", func(t *testing.T) {
		w.putConfig(testConfig)
		pod := demoPod("u5")
		pod.Spec.Volumes[0].VolumeSource = corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}
		if got := w.run(pod, StateRunning); !strings.HasPrefix(got.Database, "sqlite:pod/u5:") {
			t.Errorf("database %q", got.Database)
		}
	})
}

func TestARotatedSecretIsSeenByTheNextPodOnly(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	rotated := strings.ToUpper(testSecret)
	w.putSecret("demo-jwt-secret", "jwt-secret", rotated)
	if _, err := w.dfs(testSecret).Adapters(t.Context()); err != nil {
		t.Errorf("the old secret, before the restart: %v", err)
	}
	if _, err := w.dfs(rotated).Adapters(t.Context()); !dfs.IsUnauthorized(err) {
		t.Errorf("the new secret, before the restart: %v", err)
	}
	w.run(demoPod("u2"), StateRunning)
	if _, err := w.dfs(testSecret).Adapters(t.Context()); !dfs.IsUnauthorized(err) {
		t.Errorf("the old secret, after the restart: %v", err)
	}
	if _, err := w.dfs(rotated).Adapters(t.Context()); err != nil {
		t.Errorf("the new secret, after the restart: %v", err)
	}
}

func TestARestartOfTheContainerReadsTheSecretAgain(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	rotated := strings.ToUpper(testSecret)
	w.putSecret("demo-jwt-secret", "jwt-secret", rotated)
	pod := demoPod("u1")
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "dittofs", RestartCount: 1}}
	if _, err := w.client.CoreV1().Pods(testNamespace).Update(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.wait("the new secret counts", func() bool {
		_, err := w.dfs(rotated).Adapters(t.Context())
		return err == nil
	})
}

func TestManyServersShareOneProcessAndNothingElse(t *testing.T) {
	w := newWorld(t)
	const n = 20
	for i := range n {
		pod := demoPod(fmt.Sprintf("many-%d", i))
		pod.Name, pod.Labels["instance"] = fmt.Sprintf("s%d-0", i), fmt.Sprintf("s%d", i)
		pod.Spec.Volumes[0].VolumeSource = corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}
		if _, err := w.client.CoreV1().Pods(testNamespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	w.wait("all run", func() bool { return len(w.server.Servers()) == n })
	seen := map[string]bool{}
	for i := range n {
		c, err := dfs.New(fmt.Sprintf("%s/%s/s%d", w.url, testNamespace, i), dfs.Options{Token: func(context.Context) (string, error) { return w.admin(), nil }})
		if err != nil {
			t.Fatal(err)
		}
		sid, err := c.MachineSID(t.Context())
		if err != nil || seen[sid] {
			t.Errorf("server %d: %q %v", i, sid, err)
		}
		seen[sid] = true
		c.CloseIdleConnections()
	}
}

func (w *world) putSecret(name, key, value string) {
	w.t.Helper()
	w.put(&corev1.Secret{ObjectMeta: meta(name), Data: map[string][]byte{key: []byte(value)}})
}

func (w *world) putConfig(yaml string) {
	w.t.Helper()
	w.put(&corev1.ConfigMap{ObjectMeta: meta("demo-config"), Data: map[string]string{"config.yaml": yaml}})
}

func (w *world) fault(f Fault) {
	w.t.Helper()
	if err := w.server.SetFault(testNamespace, testName, f); err != nil {
		w.t.Fatal(err)
	}
}
