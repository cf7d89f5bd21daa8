// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package subresources_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var users int

// somebody is a new user with these rights in the namespace of the subject.
func (s subject) somebody(t *testing.T, rules ...rbacv1.PolicyRule) *harness.User {
	t.Helper()
	users++
	user := cluster.User(t, "user-"+string(rune('a'+users/26))+string(rune('a'+users%26)))
	if len(rules) > 0 {
		cluster.Allow(t, user, s.namespace, rules...)
	}
	return user
}

func mayHaveTokens(verbs ...string) rbacv1.PolicyRule {
	return harness.Rule("dittofs.io", "dittoservers/credentials", verbs...)
}

func mayProxy(verbs ...string) rbacv1.PolicyRule {
	return harness.Rule("dittofs.io", "dittoservers/proxy", verbs...)
}

// answer is what came back over the wire.
type answer struct {
	code   int
	header http.Header
	body   string
}

// send sends a request to kube-apiserver with a path exactly as it is written here.
func send(t *testing.T, config *rest.Config, method, rawPath, body string, header ...string) answer {
	t.Helper()
	// The other protocol knows no upgrade.
	config = rest.CopyConfig(config)
	config.NextProtos = []string{"http/1.1"}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	// An opaque URL is sent as it is.
	target.Opaque = "//" + target.Host + rawPath
	req, err := http.NewRequestWithContext(t.Context(), method, config.Host, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.URL = target
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Add(header[i], header[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

func TestWhoMayDoWhat(t *testing.T) {
	s := files(t)
	nobody := s.somebody(t)
	editor := s.somebody(t)
	for _, role := range []string{"view", "edit"} {
		_, err := cluster.Admin.Kube.RbacV1().RoleBindings(s.namespace).Create(t.Context(), &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role + "-of-the-editor"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: editor.Name}},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	reader := s.somebody(t, mayProxy("get"))
	holder := s.somebody(t, mayHaveTokens("create"))
	whole := s.somebody(t, harness.Rule("dittofs.io", "dittoservers", "*"), harness.Rule("dittofs.io", "dittoservers/status", "*"))
	elsewhere := subject{cluster.Namespace(t), "files"}
	tenant := elsewhere.somebody(t, harness.Rule("dittofs.io", "*", "*"), harness.Rule("", "secrets", "*"))
	anonymous := rest.AnonymousClientConfig(cluster.Admin.Config)

	const deny, pass = http.StatusForbidden, http.StatusOK
	tests := []struct {
		name                                       string
		config                                     *rest.Config
		token, get, head, post, put, patch, remove int
	}{
		{"nobody", nobody.Config, deny, deny, deny, deny, deny, deny, deny},
		{"anonymous", anonymous, deny, deny, deny, deny, deny, deny, deny},
		{"an editor and viewer of the namespace", editor.Config, deny, deny, deny, deny, deny, deny, deny},
		{"who may do everything with the object and its status", whole.Config, deny, deny, deny, deny, deny, deny, deny},
		{"an admin of another namespace", tenant.Config, deny, deny, deny, deny, deny, deny, deny},
		{"who may get the proxy", reader.Config, deny, pass, pass, deny, deny, deny, deny},
		{"who may have tokens", holder.Config, http.StatusCreated, deny, deny, deny, deny, deny, deny},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []struct {
				method, path string
				want         int
			}{
				{"POST", "credentials", tt.token}, {"GET", "proxy/api/v1/adapters", tt.get}, {"HEAD", "proxy/api/v1/adapters", tt.head},
				{"POST", "proxy/api/v1/store/metadata", tt.post}, {"PUT", "proxy/api/v1/settings/discovery.name", tt.put},
				{"PATCH", "proxy/api/v1/adapters/nfs/settings", tt.patch}, {"DELETE", "proxy/api/v1/shares/x", tt.remove},
			} {
				body := "{}"
				if r.method == "GET" || r.method == "HEAD" {
					body = ""
				}
				// Forged headers are those of nobody: the aggregator has a certificate, and they have not.
				got := send(t, tt.config, r.method, s.path(r.path), body, "X-Remote-User", "admin", "X-Remote-Group", "system:masters")
				if got.code != r.want {
					t.Errorf("%s %s: %d, want %d: %s", r.method, r.path, got.code, r.want, got.body)
				}
			}
		})
	}
	t.Run("a method without a verb is not served, to an admin either", func(t *testing.T) {
		if got := send(t, cluster.Admin.Config, "OPTIONS", s.path("proxy/api/v1/adapters"), ""); got.code != http.StatusMethodNotAllowed {
			t.Errorf("answered %d %s", got.code, got.body)
		}
	})
}

func TestWhatIsOfferedWithoutAClass(t *testing.T) {
	s := files(t)
	serveWith(t, standIn())
	admin := cluster.Admin.Config
	if got := send(t, admin, "POST", s.path("credentials"), "{}"); got.code != http.StatusCreated {
		t.Errorf("an operator's token: %d %s", got.code, got.body)
	}
	for _, r := range []struct{ method, path, body, words string }{
		{"POST", "credentials", `{"spec":{"role":"admin"}}`, "--access-without-class of dittofs-apiserver allows the role operator at most"},
		{"GET", "proxy/api/v1/adapters", "", "the proxy is switched off: --access-without-class of dittofs-apiserver does not list proxy"},
	} {
		if got := send(t, admin, r.method, s.path(r.path), r.body); got.code != http.StatusForbidden || !strings.Contains(got.body, r.words) {
			t.Errorf("%s %s: %d %s", r.method, r.path, got.code, got.body)
		}
	}
}
