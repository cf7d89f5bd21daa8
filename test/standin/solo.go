// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

// Solo is one server in a pod of its own, as the real one is: what elsewhere is read from the objects of the pod comes
// from its environment and its files. It serves plain HTTP only. Of its database, the identity outlasts the process.
type Solo struct {
	handler http.Handler
	address string
}

var soloKey = serverKey{"pod", "dfs"}

// NewSolo starts the server, or fails as the real one would. environment is as os.Environ returns it.
func NewSolo(ctx context.Context, opts Options, configFile string, environment []string) (*Solo, error) {
	config, err := os.ReadFile(configFile)
	if err != nil {
		return nil, fmt.Errorf("exit code 1: %w", err)
	}
	env := map[string]string{}
	for _, pair := range environment {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "DITTOFS_") {
			env[name] = value
		}
	}
	cfg, _, err := loadSettings(config, env)
	if err != nil {
		return nil, fmt.Errorf("exit code 1: %w", err)
	}
	if cfg.str("controlplane.tls.cert_file") != "" {
		return nil, errors.New("the stand-in has no TLS in a pod of its own")
	}
	database := cfg.str("database.sqlite.path")
	if err := restoreIdentity(database, env); err != nil {
		return nil, err
	}
	pod := soloPod(env, filepath.Dir(database))
	opts.Client = fake.NewClientset(pod,
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: soloKey.namespace, Name: "config"}, Data: map[string]string{"config.yaml": string(config)}},
		&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: soloKey.namespace, Name: "database", UID: pod.UID}})
	s, err := New(opts)
	if err != nil {
		return nil, err
	}
	p, warnings, err := s.boot(ctx, soloKey, pod)
	if err != nil {
		return nil, err
	}
	s.log.Info("server started", "warnings", warnings)
	if err := saveIdentity(database, p); err != nil {
		return nil, err
	}
	s.servers[soloKey] = &virtual{podName: pod.Name, podUID: string(pod.UID), ready: true, boots: 1, process: p}
	return &Solo{
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serveDFS(w, r, soloKey, "", r.URL.EscapedPath()) }),
		address: net.JoinHostPort(cfg.str("controlplane.host"), fmt.Sprint(cfg.num("controlplane.port"))),
	}, nil
}

// Serve answers until ctx is done.
func (s *Solo) Serve(ctx context.Context) error {
	server := &http.Server{Addr: s.address, Handler: s.handler, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	done := make(chan error, 1)
	go func() { done <- server.ListenAndServe() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		// The API is the first thing that dfs closes when it is told to end.
		return errors.Join(server.Close(), ignoreClosed(<-done))
	}
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// soloPod is what boot needs to know of the pod: where the configuration and the database are.
func soloPod(env map[string]string, databaseDir string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: soloKey.namespace, Name: "dfs-0", UID: "solo"}}
	pod.Spec.EnableServiceLinks = new(bool)
	container := corev1.Container{Name: containerName, VolumeMounts: []corev1.VolumeMount{
		{Name: "config", MountPath: "/config"}, {Name: "database", MountPath: databaseDir},
	}}
	for name, value := range env {
		// The kubelet has expanded what was to be expanded.
		container.Env = append(container.Env, corev1.EnvVar{Name: name, Value: strings.ReplaceAll(value, "$(", "$$(")})
	}
	pod.Spec.Containers = []corev1.Container{container}
	pod.Spec.Volumes = []corev1.Volume{
		{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "config"}}}},
		{Name: "database", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "database"}}},
	}
	return pod
}

// restoreIdentity makes a restarted server the one that it was: its volume remembers the identity.
func restoreIdentity(database string, env map[string]string) error {
	sid, err := os.ReadFile(database)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("exit code 1: failed to initialize control plane store: %w", err)
	}
	env["DITTOFS_IDENTITY_MACHINE_SID"] = string(sid)
	return nil
}

func saveIdentity(database string, p *process) error {
	p.db.mu.Lock()
	defer p.db.mu.Unlock()
	temporary := database + "." + uuid.NewString()
	if err := os.WriteFile(temporary, []byte(p.db.setting("machine_sid")), 0o600); err != nil {
		return fmt.Errorf("exit code 1: failed to initialize control plane store: %w", err)
	}
	return os.Rename(temporary, database)
}
