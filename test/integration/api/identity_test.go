// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// direct connects to our port, past the aggregator, with the certificate of a user or none.
func direct(user *harness.User) *rest.Config {
	config := cluster.Server.DirectConfig()
	config.CertData, config.KeyData = nil, nil
	if user != nil {
		config.CertData, config.KeyData = user.Config.CertData, user.Config.KeyData
	}
	return config
}

// answer is what a plain HTTP request brought, to see what clients hide.
type answer struct {
	code   int
	header http.Header
	body   string
}

func get(t *testing.T, config *rest.Config, path string, headers map[string]string) answer {
	t.Helper()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, config.Host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

func TestOurPortTrustsNobodyButTheAggregator(t *testing.T) {
	stranger := cluster.User(t, "stranger")
	forged := map[string]string{"X-Remote-User": "admin", "X-Remote-Group": "system:masters"}
	const path = "/apis/dittofs.io/v1alpha1/dittoservers"
	cases := []struct {
		name    string
		user    *harness.User
		path    string
		headers map[string]string
		code    int
		want    string
	}{
		{"an anonymous request is refused", nil, path, nil, 403, `User \"system:anonymous\"`},
		{"anonymous forged headers are refused", nil, path, forged, 403, `User \"system:anonymous\"`},
		{"headers forged by a user are ignored", stranger, path, forged, 403, `User \"stranger\"`},
		{"a token of nobody is refused", nil, path, map[string]string{"Authorization": "Bearer invented"}, 401, "Unauthorized"},
		{"the metrics are for who has the right", stranger, "/metrics", nil, 403, "stranger"},
		{"an admin of the cluster is known here too", cluster.Admin, path, nil, 200, "DittoServerList"},
		{"a probe needs no user", nil, "/readyz", nil, 200, "ok"},
		{"liveness needs no user", nil, "/livez", nil, 200, "ok"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := get(t, direct(c.user), c.path, c.headers)
			if got.code != c.code || !strings.Contains(got.body, c.want) {
				t.Errorf("got %d, want %d with %s: %s", got.code, c.code, c.want, got.body)
			}
		})
	}
}

func TestRightsOfTheClusterDecideWhoMayDoWhat(t *testing.T) {
	namespace, other := cluster.Namespace(t), cluster.Namespace(t)
	cluster.CreateDittoServer(t, namespace, "files")
	viewer := cluster.User(t, "viewer")
	cluster.Allow(t, viewer, namespace, harness.Rule("dittofs.io", "dittoservers", "get", "list", "watch"))
	kubectl := viewer.Kubectl(namespace)
	if out := kubectl.Run(t, "get", "dittoservers", "-o", "name"); !strings.Contains(out, "files") {
		t.Errorf("the viewer sees %q", out)
	}
	refused := [][]string{
		{"create", "-f", "-"},
		{"delete", "dittoserver", "files"},
		{"scale", "dittoserver", "files", "--replicas=0"},
		{"patch", "dittoserver", "files", "--type=merge", "-p", "{}"},
		{"patch", "dittoserver", "files", "--subresource=status", "--type=merge", "-p", "{}"},
		{"get", "dittoservers", "--all-namespaces"},
		{"get", "dittoservers", "--namespace=" + other},
	}
	for _, args := range refused {
		message := kubectl.Stdin(toYAML(t, harness.NewDittoServer("mine"))).Fail(t, args...)
		if !strings.Contains(message, "Forbidden") || !strings.Contains(message, `User "viewer" cannot`) {
			t.Errorf("kubectl %s: %s", strings.Join(args, " "), message)
		}
	}
	if out := kubectl.Try(t, "auth", "can-i", "create", "dittoservers.dittofs.io"); strings.TrimSpace(out.Stdout) != "no" {
		t.Errorf("auth can-i: %+v", out)
	}
	// The right to the object is none to its parts.
	scaler := cluster.User(t, "scaler")
	cluster.Allow(t, scaler, namespace, harness.Rule("dittofs.io", "dittoservers", "get"), harness.Rule("dittofs.io", "dittoservers/scale", "get", "update", "patch"))
	scaler.Kubectl(namespace).Run(t, "scale", "dittoserver", "files", "--replicas=0")
	_, err := scaler.DittoServers(namespace).Update(t.Context(), current(t, namespace, "files"), metav1.UpdateOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("who may scale updates: %v", err)
	}
}

func TestNobodyReadsASecretThroughAServer(t *testing.T) {
	namespace := cluster.Namespace(t)
	author := cluster.User(t, "author")
	cluster.Allow(t, author, namespace, harness.Rule("dittofs.io", "dittoservers", "create", "get", "update", "patch"))
	cases := []struct {
		name   string
		change func(*dittofsv1alpha1.DittoServerSpec)
	}{
		{"jwt-key", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Identity.JWT.SecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "jwt-key", Key: "secret"}
		}},
		{"admin-password", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Identity.Admin.PasswordSecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "admin-password", Key: "password"}
		}},
		{"pg", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Database.PostgresSecretRef = &dittofsv1alpha1.SecretReference{Name: "pg"}
		}},
	}
	for _, c := range cases {
		server := harness.NewDittoServer(c.name)
		c.change(&server.Spec)
		_, err := author.DittoServers(namespace).Create(t.Context(), server, metav1.CreateOptions{})
		expectRefusal(t, err, 403, `Secret "`+c.name+`"`, "verb get", `user "author"`, namespace)
	}

	// Without a reference there is nothing to read, and later changes of others are no business of ours.
	plain, err := author.DittoServers(namespace).Create(t.Context(), harness.NewDittoServer("plain"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cases[0].change(&plain.Spec)
	_, err = author.DittoServers(namespace).Update(t.Context(), plain, metav1.UpdateOptions{})
	expectRefusal(t, err, 403, `Secret "jwt-key"`)
	stored := cluster.CreateDittoServer(t, namespace, "shared", func(s *dittofsv1alpha1.DittoServer) { cases[0].change(&s.Spec) })
	stored.Spec.Logging.Level = dittofsv1alpha1.LogDebug
	if stored, err = author.DittoServers(namespace).Update(t.Context(), stored, metav1.UpdateOptions{}); err != nil {
		t.Errorf("a change of the log level: %v", err)
	} else {
		stored.Spec.Image = "example/evil:v1"
		_, err = author.DittoServers(namespace).Update(t.Context(), stored, metav1.UpdateOptions{})
		expectRefusal(t, err, 403, `Secret "jwt-key"`)
	}

	// The right to one Secret is enough for that one.
	rule := harness.Rule("", "secrets", "get")
	rule.ResourceNames = []string{"pg"}
	cluster.Allow(t, author, namespace, rule)
	server := harness.NewDittoServer("with-rights")
	cases[2].change(&server.Spec)
	harness.Eventually(t, "with the right the server is created", func(ctx context.Context) error {
		_, err := author.DittoServers(namespace).Create(ctx, server, metav1.CreateOptions{})
		return err
	})
}
