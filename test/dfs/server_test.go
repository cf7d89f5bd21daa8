// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

const (
	namespace = "team"
	name      = "files"
	service   = name + "-api." + namespace + ".svc"
	// bootTime is for a machine that has other things to do.
	bootTime = time.Minute
)

// server is one DittoServer and the dfs process of its pod, started and stopped as often as a test likes.
type server struct {
	t      *testing.T
	dir    string
	object *dittofsv1alpha1.DittoServer
	// secrets and configMaps are those of the namespace. What the pod needs and is not there is made up.
	secrets, configMaps map[string]map[string]string
	// live is the StatefulSet that was there before, if any.
	live *appsv1.StatefulSet

	set   *appsv1.StatefulSet // as rendered for the last start
	cmd   *exec.Cmd
	ended chan error
}

// newServer has a spec with nothing but sizes. It may be changed before start.
func newServer(t *testing.T) *server {
	t.Helper()
	object := &dittofsv1alpha1.DittoServer{}
	object.Namespace, object.Name, object.UID = namespace, name, "server-uid"
	object.Spec.Storage.MetadataSize = ptr.To(resource.MustParse("1Gi"))
	object.Spec.Storage.ContentSize = ptr.To(resource.MustParse("1Gi"))
	return newServerOf(t, object)
}

func newServerOf(t *testing.T, object *dittofsv1alpha1.DittoServer) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), object: object,
		secrets: map[string]map[string]string{}, configMaps: map[string]map[string]string{}}
	scheme := runtime.NewScheme()
	s.must(dittofsv1alpha1.Install(scheme))
	scheme.Default(s.object)
	t.Cleanup(s.stop)
	return s
}

func (s *server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// render is what the controller does, with what the namespace has.
func (s *server) render() {
	s.t.Helper()
	s.furnishSecrets()
	in := render.Inputs{ConfigHash: "hash"}
	if ref := s.object.Spec.PostgresSecret(); ref != nil {
		in.PostgresKeys = map[string]bool{}
		for key := range s.secrets[ref.Name] {
			in.PostgresKeys[key] = true
		}
	}
	if s.live != nil {
		in.LiveClaimTemplates, in.ContentClaimLater = s.live.Spec.VolumeClaimTemplates, true
	}
	objects, err := render.All(s.object, in)
	s.must(err)
	s.configMaps[*objects.ConfigMap.Name] = objects.ConfigMap.Data
	text, err := yaml.Marshal(objects.StatefulSet)
	s.must(err)
	s.set = &appsv1.StatefulSet{}
	s.must(yaml.UnmarshalStrict(text, s.set))
}

// template is that of the pod that the StatefulSet controller makes: with a volume for each claim template.
func (s *server) template() *corev1.PodTemplateSpec {
	template := s.set.Spec.Template.DeepCopy()
	for _, claim := range s.set.Spec.VolumeClaimTemplates {
		template.Spec.Volumes = append(template.Spec.Volumes, corev1.Volume{Name: claim.Name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: render.ClaimName(claim.Name, s.object.Name)}}})
	}
	return template
}

func (s *server) dfsContainer() *corev1.Container {
	s.t.Helper()
	containers := s.set.Spec.Template.Spec.Containers
	at := slices.IndexFunc(containers, func(c corev1.Container) bool { return c.Name == render.ContainerName })
	if at < 0 {
		s.t.Fatal("the pod has no container of dfs")
	}
	return &containers[at]
}

// start renders, starts, and waits until the probes pass.
func (s *server) start() {
	s.t.Helper()
	s.must(s.tryStart())
}

func (s *server) tryStart() error {
	s.t.Helper()
	s.render()
	return s.startRendered()
}

func (s *server) startRendered() error {
	s.t.Helper()
	cmd, err := s.kubelet().command(s.template(), render.ContainerName)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	s.must(err)
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	// Pdeathsig is not for this: it is tied to a thread. All of us ends with the first process of the namespace.
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	s.must(cmd.Start())
	s.cmd, s.ended = cmd, make(chan error, 1)
	go func() { s.ended <- cmd.Wait() }()
	started := false
	return wait.PollUntilContextTimeout(s.t.Context(), 50*time.Millisecond, bootTime, true, func(ctx context.Context) (bool, error) {
		select {
		case err := <-s.ended:
			s.cmd = nil
			return false, fmt.Errorf("dfs ended: %w\n%s", errors.Join(err, errors.New("exit")), s.log())
		default:
		}
		c := s.dfsContainer()
		started = started || passes(ctx, c, c.StartupProbe)
		return started && passes(ctx, c, c.ReadinessProbe) && passes(ctx, c, c.LivenessProbe), nil
	})
}

func (s *server) kubelet() kubelet {
	return kubelet{dir: s.dir, secrets: s.secrets, configMaps: s.configMaps}
}

// stop ends it as the kubelet does, in the time that the pod has for it.
func (s *server) stop() {
	s.t.Helper()
	if s.cmd == nil {
		return
	}
	grace := time.Duration(ptr.Deref(s.set.Spec.Template.Spec.TerminationGracePeriodSeconds, 30)) * time.Second
	if hook := s.dfsContainer().Lifecycle; hook != nil && hook.PreStop != nil && hook.PreStop.Sleep != nil {
		grace -= time.Duration(hook.PreStop.Sleep.Seconds) * time.Second
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.ended:
		if err != nil {
			s.t.Errorf("told to stop, dfs ended with %v\n%s", err, s.log())
		}
	case <-time.After(grace):
		_ = s.cmd.Process.Kill()
		s.t.Errorf("told to stop, dfs did not end in %s, and killed with %v\n%s", grace, <-s.ended, s.log())
	}
	s.cmd = nil
}

// kill is a power cut.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	s.t.Logf("killed: %v", <-s.ended)
	s.cmd = nil
}

// log is the end of what dfs wrote.
func (s *server) log() string {
	text := s.wholeLog()
	const most = 4000
	return strings.TrimSpace(text[max(0, len(text)-most):])
}

func (s *server) wholeLog() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	s.must(err)
	return string(text)
}

// claim is the directory of a claim.
func (s *server) claim(volume string) string {
	return filepath.Join(s.dir, "claims", render.ClaimName(volume, s.object.Name))
}

// renew is what the kubelet does when a Secret changes under a running pod.
func (s *server) renew() {
	s.t.Helper()
	_, err := s.kubelet().command(s.template(), render.ContainerName)
	s.must(err)
}

func (s *server) address() string {
	return hostPort(podIP, *s.object.Spec.ControlPlane.Port)
}

func hostPort(host string, port int32) string { return net.JoinHostPort(host, fmt.Sprint(port)) }

func (s *server) jwt() string {
	at := render.JWTSecret(s.object)
	return s.secrets[at.Name][at.Key]
}

// rotate gives the JWT secret another value.
func (s *server) rotate(value string) {
	at := render.JWTSecret(s.object)
	s.secrets[at.Name][at.Key] = value
}

// client signs its tokens as the controller does.
func (s *server) client() *dfs.Client {
	s.t.Helper()
	return s.clientWith(dfs.Options{Token: func(context.Context) (string, error) { return s.token(dfs.RoleAdmin) }})
}

func (s *server) token(role dfs.Role) (string, error) {
	return dfs.SignToken([]byte(s.jwt()), dfs.Claims{Username: "dittofs-controller:1", Role: role, TTL: time.Minute, Now: time.Now()})
}

func (s *server) clientWith(opts dfs.Options) *dfs.Client {
	s.t.Helper()
	c, err := dfs.New("http://"+s.address(), opts)
	s.must(err)
	s.t.Cleanup(c.CloseIdleConnections)
	return c
}
