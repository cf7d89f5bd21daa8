// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package subresources_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/apis/dittofs/validation"
	"github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func asking(role dittofsv1alpha1.CredentialsRole, seconds int64) *dittofsv1alpha1.CredentialsRequest {
	asked := &dittofsv1alpha1.CredentialsRequest{Spec: dittofsv1alpha1.CredentialsRequestSpec{Role: role}}
	if seconds != 0 {
		asked.Spec.ExpirationSeconds = ptr.To(seconds)
	}
	return asked
}

func (s subject) tokenFor(ctx context.Context, user *harness.User, asked *dittofsv1alpha1.CredentialsRequest) (*dittofsv1alpha1.CredentialsRequest, error) {
	return user.DittoServers(s.namespace).CreateCredentials(ctx, s.name, asked, metav1.CreateOptions{})
}

// dfs asks the dfs API itself, past us.
func (s subject) dfs(t *testing.T, token, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("%s/%s/%s%s", cluster.StandIn.URL, s.namespace, s.name, path), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func mayReadSecret(name string) rbacv1.PolicyRule {
	rule := harness.Rule("", "secrets", "get")
	rule.ResourceNames = []string{name}
	return rule
}

func TestAnOperatorsToken(t *testing.T) {
	s := files(t)
	user := s.somebody(t, mayHaveTokens("create"))
	got, err := s.tokenFor(t.Context(), user, asking("", 300))
	if err != nil {
		t.Fatal(err)
	}
	token := got.Status.Token
	if left := time.Until(got.Status.ExpirationTimestamp.Time); left > 5*time.Minute || left < 4*time.Minute {
		t.Errorf("it ends in %s", left)
	}
	if code, text := s.dfs(t, token, "/api/v1/adapters"); code != http.StatusOK {
		t.Errorf("dfs answers %d %s", code, text)
	}
	if code, text := s.dfs(t, token, "/api/v1/shares"); code != http.StatusForbidden {
		t.Errorf("an operator lists shares: %d %s", code, text)
	}
	t.Run("is no good when it is changed or has ended", func(t *testing.T) {
		secret, err := cluster.Admin.Kube.CoreV1().Secrets(s.namespace).Get(t.Context(), "files-jwt-secret", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var key []byte
		for _, value := range secret.Data {
			key = value
		}
		claims := jwt.MapClaims{}
		if _, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return key, nil }); err != nil {
			t.Fatal(err)
		}
		if claims["username"] != validation.DFSUsername(user.Name) || claims["role"] != "operator" || claims["groups"] != nil {
			t.Errorf("it says %v", claims)
		}
		sign := func(key []byte, change func(jwt.MapClaims)) string {
			changed := jwt.MapClaims{}
			for name, value := range claims {
				changed[name] = value
			}
			change(changed)
			signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, changed).SignedString(key)
			if err != nil {
				t.Fatal(err)
			}
			return signed
		}
		unchanged := func(jwt.MapClaims) {}
		if code, _ := s.dfs(t, sign(key, unchanged), "/api/v1/adapters"); code != http.StatusOK {
			t.Fatalf("the test would prove nothing: %d", code)
		}
		for name, forged := range map[string]string{
			"another key":  sign([]byte(strings.Repeat("x", 32)), unchanged),
			"another role": strings.Join([]string{strings.Split(token, ".")[0], strings.Split(sign(key, func(c jwt.MapClaims) { c["role"] = "admin" }), ".")[1], strings.Split(token, ".")[2]}, "."),
			"an end that was": sign(key, func(c jwt.MapClaims) {
				c["exp"] = time.Now().Add(-time.Second).Unix()
			}),
		} {
			if code, text := s.dfs(t, forged, "/api/v1/adapters"); code != http.StatusUnauthorized {
				t.Errorf("%s: %d %s", name, code, text)
			}
		}
	})
	t.Run("is an event without it", func(t *testing.T) {
		harness.Eventually(t, "there is an event about the token", func(ctx context.Context) error {
			events, err := cluster.Admin.Kube.EventsV1().Events(s.namespace).List(ctx, metav1.ListOptions{FieldSelector: "reason=CredentialsIssued"})
			if err != nil {
				return err
			}
			for _, event := range events.Items {
				if strings.Contains(event.Note, token) {
					t.Error("the token is in the event")
				}
				if event.Regarding.Name == s.name && event.Regarding.UID == got.UID && strings.Contains(event.Note, user.Name) && strings.Contains(event.Note, "role operator") {
					return nil
				}
			}
			return fmt.Errorf("there are %+v", events.Items)
		})
		if text := cluster.Admin.Kubectl(s.namespace).Run(t, "describe", "dittoservers.dittofs.io", s.name); !strings.Contains(text, "CredentialsIssued") {
			t.Errorf("kubectl describe does not show it:\n%s", text)
		}
	})
	t.Run("is in the audit log without it", func(t *testing.T) {
		found := false
		for _, event := range audited(t, token) {
			if event.User.Username == user.Name && event.ObjectRef.Subresource == "credentials" && event.Verb == "create" {
				found = event.Annotations["dittofs.io/credentials-role"] == "operator" &&
					event.Annotations["dittofs.io/credentials-username"] == validation.DFSUsername(user.Name) &&
					event.Annotations["dittofs.io/credentials-expires"] == got.Status.ExpirationTimestamp.UTC().Format(time.RFC3339)
			}
		}
		if !found {
			t.Error("no event of the audit log of our server has the annotations")
		}
	})
	t.Run("is counted", func(t *testing.T) {
		text := send(t, cluster.Server.DirectConfig(), http.MethodGet, "/metrics", "").body
		if !strings.Contains(text, `dittofs_credentials_issued_total{role="operator"}`) {
			t.Error("/metrics has no dittofs_credentials_issued_total")
		}
	})
}

// audited are the events of our server's own audit log, in which a text must not be.
func audited(t *testing.T, secret string) []auditv1.Event {
	t.Helper()
	file, err := os.Open(auditLog)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var events []auditv1.Event
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.Contains(lines.Text(), secret) {
			t.Error("the token is in the audit log")
		}
		var event auditv1.Event
		if json.Unmarshal(lines.Bytes(), &event) == nil {
			events = append(events, event)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return events
}

func TestAnAdminsTokenNeedsMoreThanTheVerbCreate(t *testing.T) {
	s := files(t)
	for _, tt := range []struct {
		name  string
		rules []rbacv1.PolicyRule
		words string
	}{
		{"who may have tokens", []rbacv1.PolicyRule{mayHaveTokens("create")}, "the verb administer"},
		{"who may administer and not read the Secret", []rbacv1.PolicyRule{mayHaveTokens("create", "administer")}, "the verb get on Secret"},
		{"who may read the Secret and not administer", []rbacv1.PolicyRule{mayHaveTokens("create"), mayReadSecret("files-jwt-secret")}, "the verb administer"},
		{"who may read another Secret", []rbacv1.PolicyRule{mayHaveTokens("create", "administer"), mayReadSecret("other")}, "the verb get on Secret"},
	} {
		t.Run(tt.name+" is refused", func(t *testing.T) {
			_, err := s.tokenFor(t.Context(), s.somebody(t, tt.rules...), asking("admin", 0))
			if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("answered %v", err)
			}
		})
	}
	admin := s.somebody(t, mayHaveTokens("create", "administer"), mayReadSecret("files-jwt-secret"))
	got, err := s.tokenFor(t.Context(), admin, asking("admin", 60))
	if err != nil {
		t.Fatal(err)
	}
	if code, text := s.dfs(t, got.Status.Token, "/api/v1/users"); code != http.StatusOK {
		t.Errorf("dfs answers an admin with %d %s", code, text)
	}
	t.Run("and impersonated users are those who are asked about", func(t *testing.T) {
		plain := s.somebody(t, mayHaveTokens("create"))
		config := rest.CopyConfig(cluster.Admin.Config)
		config.Impersonate = rest.ImpersonationConfig{UserName: plain.Name}
		client, err := versioned.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		servers := client.DittofsV1alpha1().DittoServers(s.namespace)
		if _, err := servers.CreateCredentials(t.Context(), s.name, asking("admin", 0), metav1.CreateOptions{}); !apierrors.IsForbidden(err) {
			t.Errorf("answered %v", err)
		}
		got, err := servers.CreateCredentials(t.Context(), s.name, asking("", 0), metav1.CreateOptions{})
		if err != nil || got.Status.Username != validation.DFSUsername(plain.Name) {
			t.Errorf("answered %+v, %v", got, err)
		}
	})
}

func TestTokensThatNobodyGets(t *testing.T) {
	s := files(t)
	admin := cluster.Admin.Config
	for _, tt := range []struct {
		name, body string
		code       int
		words      string
	}{
		{"a longer life", `{"spec":{"expirationSeconds":901}}`, 422, "spec.expirationSeconds"},
		{"a life for ever", `{"spec":{"expirationSeconds":9223372036854775807}}`, 422, "spec.expirationSeconds"},
		{"a shorter life", `{"spec":{"expirationSeconds":1}}`, 422, "spec.expirationSeconds"},
		{"no number", `{"spec":{"expirationSeconds":"1h"}}`, 400, ""},
		{"the role user", `{"spec":{"role":"user"}}`, 422, "spec.role"},
		{"another role", `{"spec":{"role":"root"}}`, 422, `\"admin\", \"operator\"`},
		{"another server in the body", `{"metadata":{"name":"other"}}`, 422, "metadata.name"},
		{"another namespace in the body", `{"metadata":{"namespace":"kube-system"}}`, 400, "namespace"},
		{"an earlier server", `{"metadata":{"uid":"00000000-0000-0000-0000-000000000000"}}`, 409, ""},
		{"another kind", `{"kind":"DittoServer","apiVersion":"dittofs.io/v1alpha1"}`, 400, ""},
		{"no JSON", `role: admin`, 400, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := send(t, admin, http.MethodPost, s.path("credentials"), tt.body); got.code != tt.code || !strings.Contains(got.body, tt.words) || strings.Contains(got.body, `"token":`) {
				t.Errorf("answered %d %s", got.code, got.body)
			}
		})
	}
	t.Run("of a server that is not there", func(t *testing.T) {
		if got := send(t, admin, http.MethodPost, (subject{s.namespace, "none"}).path("credentials"), `{}`); got.code != http.StatusNotFound {
			t.Errorf("answered %d %s", got.code, got.body)
		}
	})
	t.Run("of a dry run", func(t *testing.T) {
		got := send(t, admin, http.MethodPost, s.path("credentials")+"?dryRun=All", `{}`)
		if got.code != http.StatusCreated || strings.Contains(got.body, `"token":`) || !strings.Contains(got.body, `"expirationTimestamp"`) {
			t.Errorf("answered %d %s", got.code, got.body)
		}
	})
	t.Run("by any other verb", func(t *testing.T) {
		for _, method := range []string{"GET", "PUT", "PATCH", "DELETE"} {
			if got := send(t, admin, method, s.path("credentials"), ""); got.code != http.StatusMethodNotAllowed {
				t.Errorf("%s: %d %s", method, got.code, got.body)
			}
		}
	})
}
