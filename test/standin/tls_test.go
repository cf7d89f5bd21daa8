// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/test/standin/certs"
)

const (
	testService = testName + "-api." + testNamespace + ".svc"
	tlsConfig   = "logging: {output: stdout}\ndatabase: {type: sqlite, sqlite: {path: /data/controlplane/c.db}}\n" +
		"controlplane: {host: 0.0.0.0, tls: {cert_file: /tls/tls.crt, key_file: /tls/tls.key}}"
	mutualConfig = "logging: {output: stdout}\ndatabase: {type: sqlite, sqlite: {path: /data/controlplane/c.db}}\n" +
		"controlplane: {host: 0.0.0.0, tls: {cert_file: /tls/tls.crt, key_file: /tls/tls.key, client_ca: /tls-client-ca/ca.crt}}"
)

// secretAt mounts a Secret into a pod.
func secretAt(pod *corev1.Pod, secret, at string) *corev1.Pod {
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: secret, VolumeSource: corev1.VolumeSource{
		Secret: &corev1.SecretVolumeSource{SecretName: secret}}})
	pod.Spec.Containers[0].VolumeMounts = append(pod.Spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: secret, MountPath: at})
	return pod
}

func (w *world) putTLS(name string, data map[string]string) {
	w.t.Helper()
	w.put(&corev1.Secret{ObjectMeta: meta(name), Data: certs.Data(data)})
}

// secure returns a client that dials the stand-in and expects the server of that name.
func (w *world) secure(name string, config *tls.Config) *dfs.Client {
	w.t.Helper()
	config.ServerName = name
	c, err := dfs.New(strings.Replace(w.url, "http:", "https:", 1)+"/"+testNamespace+"/"+testName, dfs.Options{
		Transport: dfs.NewPodTransport("", config),
		Token:     func(context.Context) (string, error) { return w.admin(), nil },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.CloseIdleConnections)
	return c
}

func TestAServerServesTheCertificateOfItsSecret(t *testing.T) {
	w := newWorld(t)
	ca := certs.NewAuthority(t)
	w.putTLS("tls", ca.Leaf(nil, testService, "files.example.com"))
	w.putConfig(tlsConfig)
	w.run(secretAt(demoPod("u1"), "tls", "/tls"), StateRunning)

	tests := []struct {
		name   string
		client *dfs.Client
		is     func(error) bool
	}{
		{"to whoever asks for its Service", w.secure(testService, &tls.Config{RootCAs: ca.Pool()}), nil},
		{"to whoever asks for another name of it", w.secure("files.example.com", &tls.Config{RootCAs: ca.Pool()}), nil},
		{"and is not trusted by everybody", w.secure(testService, &tls.Config{RootCAs: certs.NewAuthority(t).Pool()}), dfs.IsUntrusted},
		{"and to nobody who asks for a name that is not its own", w.secure("other.example.com", &tls.Config{RootCAs: ca.Pool()}), dfs.IsUntrusted},
		{"and refuses plain HTTP", w.dfs(testSecret), func(err error) bool {
			var status *dfs.StatusError
			return errors.As(err, &status) && status.Code == 400 && status.Detail == ""
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.client.Adapters(t.Context())
			if tt.is == nil && err != nil || tt.is != nil && !tt.is(err) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("and the new one after a rotation, without a restart", func(t *testing.T) {
		ca := certs.NewAuthority(t)
		w.putTLS("tls", ca.Leaf(nil, testService))
		if _, err := w.secure(testService, &tls.Config{RootCAs: ca.Pool()}).Adapters(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("and the last good one when the new one is none", func(t *testing.T) {
		w.putTLS("tls", map[string]string{"tls.crt": "?", "tls.key": "?"})
		if _, err := w.secure(testService, &tls.Config{InsecureSkipVerify: true}).Adapters(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAServerWithAClientCAWantsACertificate(t *testing.T) {
	w := newWorld(t)
	ca := certs.NewAuthority(t)
	w.putTLS("tls", ca.Leaf(nil, testService))
	w.putTLS("client-ca", map[string]string{certs.CAKey: ca.PEM})
	w.putConfig(mutualConfig)
	w.run(secretAt(secretAt(demoPod("u1"), "tls", "/tls"), "client-ca", "/tls-client-ca"), StateRunning)

	with := func(leaf map[string]string) *dfs.Client {
		config := &tls.Config{RootCAs: ca.Pool()}
		if leaf != nil {
			config.Certificates = []tls.Certificate{certs.Pair(t, leaf)}
		}
		return w.secure(testService, config)
	}
	if _, err := with(ca.Leaf(nil)).Adapters(t.Context()); err != nil {
		t.Errorf("with a certificate: %v", err)
	}
	if _, err := with(nil).Adapters(t.Context()); !dfs.IsUntrusted(err) || dfs.TLSAlert(err) == "" {
		t.Errorf("without: %v", err)
	}
	if _, err := with(certs.NewAuthority(t).Leaf(nil)).Adapters(t.Context()); !dfs.IsUntrusted(err) {
		t.Errorf("with one of another authority: %v", err)
	}
}

func TestAServerWithoutTLSAnswersAHandshakeInPlain(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	if _, err := w.secure(testService, &tls.Config{InsecureSkipVerify: true}).Adapters(t.Context()); !dfs.IsPlaintext(err) {
		t.Errorf("got %v", err)
	}
	if _, err := w.dfs(testSecret).Adapters(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAConnectionIsForOneServerOnly(t *testing.T) {
	w := newWorld(t)
	ca := certs.NewAuthority(t)
	w.putTLS("tls", ca.Leaf(nil, testService))
	w.putTLS("other-tls", ca.Leaf(nil, "other-api."+testNamespace+".svc"))
	w.putConfig(tlsConfig)
	w.run(secretAt(demoPod("u1"), "tls", "/tls"), StateRunning)
	other := secretAt(demoPod("u2"), "other-tls", "/tls")
	other.Name, other.Labels["instance"] = "other-0", "other"
	if _, err := w.client.CoreV1().Pods(testNamespace).Create(t.Context(), other, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.wait("the other server runs", func() bool { return len(w.server.Servers()) == 2 })
	// The path names one server, the name in the handshake the other.
	_, err := w.secure("other-api."+testNamespace+".svc", &tls.Config{RootCAs: ca.Pool()}).Adapters(t.Context())
	var status *dfs.StatusError
	if !errors.As(err, &status) || status.Code != 421 {
		t.Errorf("got %v", err)
	}
}

func TestAServerThatCannotServeTLSDoesNotStart(t *testing.T) {
	w := newWorld(t)
	w.putTLS("tls", map[string]string{"tls.crt": "?", "tls.key": "?"})
	w.putConfig(tlsConfig)
	if got := w.run(secretAt(demoPod("u1"), "tls", "/tls"), StateFailed); !strings.Contains(got.Reason, "load TLS key pair") {
		t.Errorf("reason %q", got.Reason)
	}
}
