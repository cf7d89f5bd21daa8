// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
	"github.com/dittofs/dittofs-apiserver/test/standin"
	"github.com/dittofs/dittofs-apiserver/test/standin/certs"
)

func putData(t *testing.T, s harness.Subject, name string, data map[string]string) {
	t.Helper()
	s.PutSecret(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: data})
}

// often has dfs asked as often as our server ever does.
func often(server *dittofsv1alpha1.DittoServer) { server.Spec.AdapterDiscovery.PollingInterval = "5s" }

// What dfs reads at its start only is worth a restart. The rest it reads again, or gets by its API.
func TestARotatedSecretRestartsAServerOnlyIfItsProcessNeedsThat(t *testing.T) {
	t.Parallel()
	database := map[string]string{"host": "db.example", "database": "dittofs", "user": "dittofs", "password": "first-password"}
	for _, c := range []struct {
		name        string
		first, next map[string]string
		refer       func(*dittofsv1alpha1.DittoServerSpec)
		restarts    bool
		arrives     func(t *testing.T, s harness.Subject)
	}{
		{
			name: "the bearer token of metrics", restarts: true,
			first: map[string]string{"token": "first-token"}, next: map[string]string{"token": "second-token"},
			refer: func(spec *dittofsv1alpha1.DittoServerSpec) {
				spec.Metrics = &dittofsv1alpha1.MetricsSpec{Enabled: true, BearerTokenSecret: &dittofsv1alpha1.SecretKeyReference{Name: "rotated", Key: "token"}}
			},
		},
		{
			name: "the password of PostgreSQL", restarts: true,
			first: database, next: merged(database, "password", "second-password"),
			refer: func(spec *dittofsv1alpha1.DittoServerSpec) {
				spec.Database.Type = dittofsv1alpha1.DatabasePostgres
				spec.Database.PostgresSecretRef = &dittofsv1alpha1.SecretReference{Name: "rotated"}
			},
		},
		{
			name:  "the first password of the admin",
			first: map[string]string{"password": "first-password"}, next: map[string]string{"password": "second-password"},
			refer: func(spec *dittofsv1alpha1.DittoServerSpec) {
				spec.Identity.Admin.PasswordSecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "rotated", Key: "password"}
			},
		},
		{
			name:  "the bind password of LDAP",
			first: map[string]string{"password": "first-password"}, next: map[string]string{"password": "second-password"},
			refer: func(spec *dittofsv1alpha1.DittoServerSpec) {
				spec.Identity.LDAP = &dittofsv1alpha1.LDAPSpec{
					Enabled: true, URL: "ldaps://ldap.example", BaseDN: "dc=example", BindDN: "cn=dittofs,dc=example",
					BindPasswordSecretRef: &dittofsv1alpha1.SecretKeyReference{Name: "rotated", Key: "password"},
				}
			},
			arrives: func(t *testing.T, s harness.Subject) {
				harness.Eventually(t, "dfs is told", func(context.Context) error {
					_, list := s.DFSRequests(t)
					if !slices.ContainsFunc(list, func(r standin.RequestCount) bool {
						return r.Method == http.MethodPut && strings.HasSuffix(r.Path, "/identity-providers/ldap/config") && r.Status == http.StatusOK
					}) {
						return fmt.Errorf("requests: %+v", list)
					}
					return nil
				})
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := cluster.Subject(cluster.Namespace(t), "files")
			putData(t, s, "rotated", c.first)
			s.Create(t, often, func(server *dittofsv1alpha1.DittoServer) { c.refer(&server.Spec) })
			s.AwaitReady(t)
			pod, hash := s.Pod(t), s.Get(t).Status.ConfigHash
			s.CountDFSAnew(t)
			putData(t, s, "rotated", c.next)
			want := 1
			if c.restarts {
				s.AwaitNewPod(t, pod)
				want = 2
			}
			if c.arrives != nil {
				c.arrives(t, s)
			}
			awaitControllers(t)
			s.AwaitReady(t)
			if n := cluster.Rollouts(t, s.Namespace); n != want {
				t.Errorf("the pods had %d revisions, want %d", n, want)
			}
			if changed := s.Get(t).Status.ConfigHash != hash; changed != c.restarts {
				t.Errorf("the config hash changed: %t, want %t", changed, c.restarts)
			}
		})
	}
}

func merged(data map[string]string, key, value string) map[string]string {
	out := map[string]string{key: value}
	for k, v := range data {
		if k != key {
			out[k] = v
		}
	}
	return out
}

// controllers.md 12: dfs reads its certificate again and its bundle of authorities never.
func TestHazard06CertificatesAreRotatedWithoutLosingTouch(t *testing.T) {
	t.Parallel()
	s := cluster.Subject(cluster.Namespace(t), "files")
	name := "files-api." + s.Namespace + ".svc"
	servers, callers := certs.NewAuthority(t), certs.NewAuthority(t)
	putData(t, s, "api", servers.Leaf(nil, name))
	putData(t, s, "callers", map[string]string{certs.CAKey: callers.PEM})
	putData(t, s, "controller", callers.Leaf(nil, "controller"))
	s.Create(t, often, func(server *dittofsv1alpha1.DittoServer) {
		control := &server.Spec.ControlPlane
		control.CertSecretName, control.ClientCASecretName, control.ClientCertSecretName = "api", "callers", "controller"
	})
	s.AwaitReady(t)
	pod := s.Pod(t)

	// Another authority signs the certificate of the API.
	next := certs.NewAuthority(t)
	putData(t, s, "api", next.Leaf(nil, name))
	caller := &tls.Config{ServerName: name, RootCAs: next.Pool(), Certificates: []tls.Certificate{certs.Pair(t, callers.Leaf(nil, "tester"))}}
	harness.Eventually(t, "the new certificate is served", func(ctx context.Context) error { return s.ReachDFS(ctx, caller) })
	expectInTouch(t, s)
	if now := s.Pod(t); now.UID != pod.UID {
		t.Error("another certificate restarted the server")
	}

	// Another authority signs the certificates of callers: first both are trusted, then ours changes, then the old one goes.
	after := certs.NewAuthority(t)
	for _, step := range []struct {
		secret   string
		data     map[string]string
		restarts bool
	}{
		{"callers", map[string]string{certs.CAKey: callers.PEM + after.PEM}, true},
		{"controller", after.Leaf(nil, "controller"), false},
		{"callers", map[string]string{certs.CAKey: after.PEM}, true},
	} {
		pod = s.Pod(t)
		putData(t, s, step.secret, step.data)
		if step.restarts {
			s.AwaitNewPod(t, pod)
		}
		expectInTouch(t, s)
		if now := s.Pod(t); (now.UID != pod.UID) != step.restarts {
			t.Errorf("the Secret %s restarted the server: %t, want %t", step.secret, now.UID != pod.UID, step.restarts)
		}
	}
	if n := cluster.Rollouts(t, s.Namespace); n != 3 {
		t.Errorf("the pods had %d revisions, want the first and one for each bundle", n)
	}
}

// expectInTouch waits until our server has asked dfs anew, and been answered.
func expectInTouch(t *testing.T, s harness.Subject) {
	t.Helper()
	s.CountDFSAnew(t)
	harness.Eventually(t, "dfs answers our server", func(context.Context) error {
		_, list := s.DFSRequests(t)
		if !slices.ContainsFunc(list, func(r standin.RequestCount) bool {
			return strings.HasSuffix(r.Path, "/adapters") && r.Status == http.StatusOK
		}) {
			return fmt.Errorf("requests: %+v", list)
		}
		return nil
	})
	s.AwaitReady(t)
}

// To delete a generated Secret is to ask for another one, where that makes sense.
func TestADeletedGeneratedSecretIsMadeAnewOnlyIfAStartNeedsIt(t *testing.T) {
	t.Parallel()
	s := cluster.NewSubject(t)
	secrets, pod := cluster.Admin.Kube.CoreV1().Secrets(s.Namespace), s.Pod(t)
	// A new first password would be a lie: dfs has its account.
	if err := secrets.Delete(t.Context(), "files-admin-bootstrap-credentials", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitControllers(t)
	s.AwaitReady(t)
	if _, err := secrets.Get(t.Context(), "files-admin-bootstrap-credentials", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the password of the admin was made anew: %v", err)
	}
	if now := s.Pod(t); now.UID != pod.UID {
		t.Error("the server was restarted for it")
	}

	before, err := secrets.Get(t.Context(), "files-jwt-secret", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := secrets.Delete(t.Context(), before.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.AwaitNewPod(t, pod)
	s.AwaitReady(t)
	s.AwaitCondition(t, dittofsv1alpha1.ConditionAuthenticated, metav1.ConditionTrue, "TokenAccepted")
	now, err := secrets.Get(t.Context(), before.Name, metav1.GetOptions{})
	if err != nil || string(now.Data["jwt-secret"]) == string(before.Data["jwt-secret"]) {
		t.Errorf("the JWT secret is gone, or the old one: %v", err)
	}
	harness.Eventually(t, "it is told", func(context.Context) error {
		if !slices.ContainsFunc(events(t, s.Namespace), func(e corev1.Event) bool { return e.Reason == "CredentialsGeneratedAnew" }) {
			return errors.New("there is no event CredentialsGeneratedAnew")
		}
		return nil
	})
	if n := cluster.Rollouts(t, s.Namespace); n != 2 {
		t.Errorf("the pods had %d revisions, want the first and one for the new JWT secret", n)
	}
}
