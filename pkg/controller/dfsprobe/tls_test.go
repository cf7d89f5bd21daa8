// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
	"github.com/dittofs/dittofs-apiserver/test/standin/certs"
)

// tlsFixture is a fixture whose dfs serves TLS with a certificate that can be replaced, as dfs replaces its own.
type tlsFixture struct {
	*fixture
	ca *certs.Authority

	mu     sync.Mutex
	served tls.Certificate
	mutual bool
}

func newTLSFixture(t *testing.T) *tlsFixture {
	t.Helper()
	f := &tlsFixture{fixture: newFixture(t), ca: certs.NewAuthority(t)}
	secure := httptest.NewUnstartedServer(f.dfs)
	secure.TLS = &tls.Config{GetConfigForClient: f.serve}
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	u, err := url.Parse(secure.URL)
	f.do(err)
	port, err := strconv.ParseInt(u.Port(), 10, 32)
	f.do(err)
	edit(f.fixture, &corev1.Pod{}, "files-0", func(p *corev1.Pod) { p.Spec.Containers[0].Ports[1].ContainerPort = int32(port) })
	edit(f.fixture, &appsv1.StatefulSet{}, "files", func(s *appsv1.StatefulSet) { mountSecret(s, "tls", "/tls", "files-tls") })
	f.server(func(s *dittofsv1alpha1.DittoServer) { s.Spec.ControlPlane.CertSecretName = "files-tls" })
	f.issue(nil)
	return f
}

func (f *tlsFixture) serve(*tls.ClientHelloInfo) (*tls.Config, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	config := &tls.Config{Certificates: []tls.Certificate{f.served}, MinVersion: tls.VersionTLS12}
	if f.mutual {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, f.ca.Pool()
	}
	return config, nil
}

// issue replaces the certificate on both sides.
func (f *tlsFixture) issue(change func(*x509.Certificate)) map[string]string {
	f.t.Helper()
	data := f.ca.Leaf(change, "files-api.ns.svc")
	f.mu.Lock()
	f.served = certs.Pair(f.t, data)
	f.mu.Unlock()
	f.secret("files-tls", data)
	return data
}

func mountSecret(s *appsv1.StatefulSet, volume, at, secret string) {
	pod := &s.Spec.Template.Spec
	if len(pod.Containers) == 0 {
		pod.Containers = []corev1.Container{{Name: render.ContainerName}}
	}
	pod.Containers[0].VolumeMounts = append(pod.Containers[0].VolumeMounts, corev1.VolumeMount{Name: volume, MountPath: at})
	pod.Volumes = append(pod.Volumes, corev1.Volume{Name: volume, VolumeSource: corev1.VolumeSource{
		Secret: &corev1.SecretVolumeSource{SecretName: secret}}})
}

func TestTLS(t *testing.T) {
	clientCert := func(f *tlsFixture, data map[string]string) {
		f.mutual = true
		f.server(func(s *dittofsv1alpha1.DittoServer) { s.Spec.ControlPlane.ClientCertSecretName = "controller" })
		if data != nil {
			f.secret("controller", data)
		}
	}
	tests := []struct {
		name    string
		prepare func(f *tlsFixture)
		failure []string // parts of it; none: it succeeds
	}{
		{"a good certificate is trusted", func(*tlsFixture) {}, nil},
		{"one for another name is refused with both names", func(f *tlsFixture) {
			f.issue(func(c *x509.Certificate) { c.DNSNames = []string{"files.example.com", "*.example.com"} })
		}, []string{"the certificate is for files.example.com, *.example.com, not for files-api.ns.svc", "tlsServerName"}},
		{"one for another name is taken by that name", func(f *tlsFixture) {
			f.issue(func(c *x509.Certificate) { c.DNSNames = []string{"files.example.com"} })
			f.server(func(s *dittofsv1alpha1.DittoServer) { s.Spec.ControlPlane.TLSServerName = "files.example.com" })
		}, nil},
		{"one without names is refused", func(f *tlsFixture) { f.issue(func(c *x509.Certificate) { c.DNSNames = nil }) },
			[]string{"no name at all"}},
		{"one that expired is refused with its days", func(f *tlsFixture) {
			f.issue(func(c *x509.Certificate) { c.NotAfter = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) })
		}, []string{"to 2026-01-02T03:04:05Z only"}},
		{"one of a client is refused", func(f *tlsFixture) {
			f.issue(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
		}, []string{"serverAuth"}},
		{"one of another authority is refused", func(f *tlsFixture) {
			f.secret("files-tls", map[string]string{"tls.crt": "x", "ca.crt": certs.NewAuthority(f.t).PEM})
		}, []string{"not signed by the ca.crt of Secret files-tls"}},
		{"without ca.crt only public authorities are trusted", func(f *tlsFixture) {
			data := f.issue(nil)
			data["ca.crt"] = ""
			f.secret("files-tls", data)
		}, []string{"ca.crt of Secret files-tls"}},
		{"a self-signed one without ca.crt is not trusted as itself", func(f *tlsFixture) {
			f.secret("files-tls", map[string]string{"tls.crt": f.ca.PEM})
		}, []string{"self-signed", "no ca.crt"}},
		{"a ca.crt that is none is named", func(f *tlsFixture) { f.secret("files-tls", map[string]string{"ca.crt": "hello"}) },
			[]string{"ca.crt of Secret files-tls holds no PEM"}},
		{"a Secret that is missing is named", func(f *tlsFixture) {
			f.do(f.c.Delete(f.t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "files-tls"}}))
		}, []string{"there is no Secret files-tls"}},
		{"a server that speaks no TLS yet", func(f *tlsFixture) {
			u, _ := url.Parse(f.http.URL)
			port, _ := strconv.ParseInt(u.Port(), 10, 32)
			edit(f.fixture, &corev1.Pod{}, "files-0", func(p *corev1.Pod) { p.Spec.Containers[0].Ports[1].ContainerPort = int32(port) })
		}, []string{"answers without TLS"}},
		{"a server that speaks TLS and should not", func(f *tlsFixture) {
			edit(f.fixture, &appsv1.StatefulSet{}, "files", func(s *appsv1.StatefulSet) { s.Spec.Template.Spec = corev1.PodSpec{} })
		}, []string{"speaks TLS, and was asked without"}},
		{"mutual TLS with a good client certificate works", func(f *tlsFixture) {
			data := f.ca.Leaf(nil)
			clientCert(f, data)
		}, nil},
		{"mutual TLS without a client certificate names the field", func(f *tlsFixture) {
			clientCert(f, nil)
			f.server(func(s *dittofsv1alpha1.DittoServer) { s.Spec.ControlPlane.ClientCertSecretName = "" })
		}, []string{"demands a client certificate", "spec.controlPlane.clientCertSecretName"}},
		{"mutual TLS with a missing Secret names it", func(f *tlsFixture) { clientCert(f, nil) }, []string{"there is no Secret controller"}},
		{"mutual TLS with a certificate of another authority names its Secret", func(f *tlsFixture) {
			data := certs.NewAuthority(f.t).Leaf(nil)
			clientCert(f, data)
		}, []string{"refuses the client certificate of Secret controller"}},
		{"mutual TLS with a certificate that is not of a client", func(f *tlsFixture) {
			data := f.ca.Leaf(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
			clientCert(f, data)
		}, []string{"refuses the client certificate of Secret controller"}},
		{"mutual TLS with a key that does not belong", func(f *tlsFixture) {
			data, other := f.ca.Leaf(nil), f.ca.Leaf(nil)
			data["tls.key"] = other["tls.key"]
			clientCert(f, data)
		}, []string{"tls.crt and tls.key of Secret controller are not"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newTLSFixture(t)
			tt.prepare(f)
			o, wait := f.probe()
			if len(tt.failure) == 0 && (o.Failure != "" || o.Token != TokenAccepted) {
				t.Fatalf("observed %+v", o)
			}
			for _, part := range tt.failure {
				if !strings.Contains(o.Failure, part) || o.FailingSince.IsZero() {
					t.Errorf("observed %q, want %q in it", o.Failure, part)
				}
			}
			if strings.Contains(o.Failure, "PRIVATE") {
				t.Error("a key is in the message")
			}
			// Another event is no reason to dial again.
			f.dfs.take()
			reads := f.reads
			if _, again := f.probe(); again != wait || len(f.dfs.take()) != 0 || f.reads != reads {
				t.Errorf("asked again at once; %d Secrets read", f.reads-reads)
			}
		})
	}
}

func TestARotatedCertificateIsFollowed(t *testing.T) {
	f := newTLSFixture(t)
	f.probe()
	f.ca = certs.NewAuthority(t)
	f.issue(nil)
	f.dfs.take()
	if o, _ := f.probe(); o.Failure != "" || len(f.dfs.take()) == 0 {
		t.Errorf("after a rotation: %q", o.Failure)
	}
	t.Run("and no Secret is read while nothing changes", func(t *testing.T) {
		reads := f.reads
		for range 3 {
			f.later()
		}
		if f.reads != reads {
			t.Errorf("%d were", f.reads-reads)
		}
	})
}

func TestDuringARolloutThePodIsDialledAsItWasStarted(t *testing.T) {
	f := newTLSFixture(t)
	f.probe()
	edit(f.fixture, &appsv1.StatefulSet{}, "files", func(s *appsv1.StatefulSet) {
		s.Spec.Template.Spec = corev1.PodSpec{}
		s.Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash] = "2"
	})
	if o := f.later(); o.Failure != "" {
		t.Errorf("the template is without TLS and the pod is not: %q", o.Failure)
	}
}

func TestTheSchemeOfAURLTemplate(t *testing.T) {
	tests := []struct{ template, want, name string }{
		{"http://gw.example/{name}", "http://gw.example/files", ""},
		{"https://gw.example/{name}", "https://gw.example/files", "files-api.ns.svc"},
		{"{scheme}://gw.example/{name}", "https://gw.example/files", "files-api.ns.svc"},
	}
	for _, tt := range tests {
		t.Run(tt.template, func(t *testing.T) {
			f := newTLSFixture(t)
			f.p.URLTemplate = tt.template
			f.probe()
			got := f.p.states[f.key].target
			if got.BaseURL != tt.want || got.TLS.ServerName != tt.name || got.TLS.On != strings.HasPrefix(tt.want, "https") {
				t.Errorf("dialled %+v", got)
			}
		})
	}
	t.Run("a gateway with TLS before a server without is verified by the name of the gateway", func(t *testing.T) {
		f := newFixture(t)
		f.p.URLTemplate = "https://gw.example/{name}"
		f.probe()
		if got := f.p.states[f.key].target.TLS; !got.On || got.ServerName != "" || got.CertSecret != "" {
			t.Errorf("dialled with %+v", got)
		}
	})
}
