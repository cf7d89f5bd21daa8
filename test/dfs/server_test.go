// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package dfs_test runs a real DittoFS server and holds against it what the rest of the project believes about it.
// In go the binary that DFS_BINARY names and configurations as the project renders them; without the variable every test is
// skipped. It never opens a port beyond the loopback but those of the adapters, which dfs opens by itself.
package dfs_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

const (
	jwtSecret = "0123456789abcdef0123456789abcdef"
	namespace = "team"
	name      = "files"
	service   = name + "-api." + namespace + ".svc"
)

// server is one dfs on one directory, started and stopped as often as a test likes.
type server struct {
	t      *testing.T
	binary string
	dir    string // stands for the root of the pod's file system
	object *dittofsv1alpha1.DittoServer
	secret string
	cmd    *exec.Cmd
	ended  chan error
}

// newServer skips the test without a binary. The spec may be changed before start.
func newServer(t *testing.T) *server {
	t.Helper()
	binary := os.Getenv("DFS_BINARY")
	if binary == "" {
		t.Skip("DFS_BINARY does not name a dfs binary")
	}
	s := &server{t: t, binary: binary, dir: t.TempDir(), secret: jwtSecret}
	s.object = &dittofsv1alpha1.DittoServer{}
	s.object.Namespace, s.object.Name, s.object.UID = namespace, name, "server-uid"
	s.object.Spec.Storage.MetadataSize = ptr.To(resource.MustParse("1Gi"))
	s.object.Spec.Storage.ContentSize = ptr.To(resource.MustParse("1Gi"))
	s.object.Spec.ControlPlane.Port = ptr.To(freePort(t))
	scheme := runtime.NewScheme()
	s.must(dittofsv1alpha1.Install(scheme))
	scheme.Default(s.object)
	for _, sub := range []string{"data/metadata", "data/content", "data/controlplane", "tls", "tls-client-ca", "home"} {
		s.must(os.MkdirAll(filepath.Join(s.dir, sub), 0o700))
	}
	t.Cleanup(s.stop)
	return s
}

func (s *server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// write puts a file where the pod would have it.
func (s *server) write(path, content string) {
	s.t.Helper()
	s.must(os.WriteFile(filepath.Join(s.dir, path), []byte(content), 0o600))
}

// start renders the configuration, moves its paths below the directory, and waits until the port answers.
func (s *server) start(env ...string) {
	s.t.Helper()
	if err := s.tryStart(env...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) tryStart(env ...string) error {
	s.t.Helper()
	config, err := render.Config(s.object)
	s.must(err)
	text := string(config)
	for _, root := range []string{"/data", "/tls", "/kerberos"} {
		text = strings.ReplaceAll(text, " "+root, " "+s.dir+root)
	}
	s.write("config.yaml", text)
	log, err := os.Create(filepath.Join(s.dir, "log"))
	s.must(err)
	s.cmd = exec.Command(s.binary, "start", "--foreground", "--config", filepath.Join(s.dir, "config.yaml"))
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.Env = append([]string{
		"HOME=" + filepath.Join(s.dir, "home"), "DITTOFS_CONTROLPLANE_SECRET=" + s.secret, "DITTOFS_ADMIN_INITIAL_PASSWORD=correct horse",
	}, env...)
	s.must(s.cmd.Start())
	s.ended = make(chan error, 1)
	go func(cmd *exec.Cmd) { s.ended <- cmd.Wait(); _ = log.Close() }(s.cmd)
	err = wait.PollUntilContextTimeout(s.t.Context(), 50*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		select {
		case err := <-s.ended:
			s.cmd = nil
			return false, fmt.Errorf("dfs ended: %w\n%s", errors.Join(err, errors.New("exit")), s.log())
		default:
		}
		conn, err := net.DialTimeout("tcp", s.address(), time.Second)
		if err != nil {
			return false, nil
		}
		return true, conn.Close()
	})
	return err
}

// stop ends it as the kubelet does.
func (s *server) stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.ended:
		s.t.Logf("dfs ended: %v", err)
	case <-time.After(time.Minute):
		_ = s.cmd.Process.Kill()
		s.t.Logf("dfs was killed: %v", <-s.ended)
	}
	s.cmd = nil
}

// log is the end of what dfs wrote.
func (s *server) log() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	const most = 4000
	return string(text[max(0, len(text)-most):])
}

func (s *server) address() string {
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(*s.object.Spec.ControlPlane.Port))
}

// client signs its tokens as the controller does.
func (s *server) client() *dfs.Client {
	s.t.Helper()
	return s.clientWith(dfs.Options{Token: func(context.Context) (string, error) {
		return dfs.SignToken([]byte(s.secret), dfs.Claims{Username: "dittofs-controller:1", Role: dfs.RoleAdmin, TTL: time.Minute, Now: time.Now()})
	}})
}

func (s *server) clientWith(opts dfs.Options) *dfs.Client {
	s.t.Helper()
	c, err := dfs.New("http://"+s.address(), opts)
	s.must(err)
	s.t.Cleanup(c.CloseIdleConnections)
	return c
}

func freePort(t *testing.T) int32 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return int32(l.Addr().(*net.TCPAddr).Port)
}
