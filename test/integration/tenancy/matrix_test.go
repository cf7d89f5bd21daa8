// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package tenancy_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func TestEveryVerbOfEveryResourceHasARequestInTheMatrix(t *testing.T) {
	asked := map[string]bool{}
	for resource, verbs := range requests() {
		for verb := range verbs {
			asked[resource+" "+verb] = true
		}
	}
	found := served(t)
	for what := range found {
		if !asked[what] {
			t.Errorf("%s is served, and nobody is asked for it in the matrix: add a request, and who may to each row", what)
		}
	}
	for what := range asked {
		if !found[what] {
			t.Errorf("%s is in the matrix and not served", what)
		}
	}
	// A cell with a verb that is not asked for would be true of nobody.
	for _, r := range matrix() {
		for _, s := range []scope{anywhere, inA, inB} {
			for resource, verbs := range r.rights(s) {
				for _, verb := range strings.Fields(verbs) {
					if !asked[resource+" "+verb] {
						t.Errorf("%s: %s %s is in the table and not asked for", r.who, verb, resource)
					}
				}
			}
		}
	}
}

// tenants are two namespaces, each with a server that has all of its subresources.
func tenants(t *testing.T) namespaces {
	t.Helper()
	open := class(t, func(c *dittofsv1alpha1.DittoServerClass) {
		c.Spec.Access = dittofsv1alpha1.ClassAccess{Proxy: true, Credentials: dittofsv1alpha1.CredentialsAccess{MaxRole: dittofsv1alpha1.CredentialsRole("admin")}}
	})
	in := namespaces{inA: cluster.Namespace(t), inB: cluster.Namespace(t)}
	for _, namespace := range in {
		cluster.CreateDittoServer(t, namespace, "files", func(s *dittofsv1alpha1.DittoServer) { s.Spec.ClassName = &open })
	}
	spare := &dittofsv1alpha1.DittoServerClass{ObjectMeta: metav1.ObjectMeta{Name: "matrix-spare"}}
	if _, err := cluster.Admin.DittoFS.DittofsV1alpha1().DittoServerClasses().Create(t.Context(), spare, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: ownProxyRole}, Rules: []rbacv1.PolicyRule{harness.Rule("dittofs.io", proxy, "get")}}
	if _, err := cluster.Admin.Kube.RbacV1().ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, namespace := range in {
		cluster.Subject(namespace, "files").AwaitReadyWithin(t, 2*harness.PatienceLimit)
	}
	return in
}

func TestTheMatrixOfWhoMayDoWhat(t *testing.T) {
	in := tenants(t)
	before := state(t, in[inA]) + state(t, in[inB])
	rows := matrix()
	who := make([]*asked, len(rows))
	for i, r := range rows {
		who[i] = r.as(t, in)
	}
	for i, r := range rows {
		awaitBindings(t, in, r, who[i].name)
	}
	cells := 0
	for i, r := range rows {
		for _, d := range r.throughDoors() {
			t.Run(r.who+" at "+string(d), func(t *testing.T) {
				at := newCaller(t, who[i], d)
				for _, s := range []scope{anywhere, inA, inB} {
					all := requests()
					delete(all, classes)
					if s == anywhere {
						all = requestsAnywhere()
					}
					for resource, verbs := range all {
						for verb, a := range verbs {
							cells++
							a.path = strings.ReplaceAll(a.path, "{ns}", in[s])
							at.expect(t, r, s, in[s], resource, verb, a)
						}
					}
				}
			})
		}
	}
	if after := state(t, in[inA]) + state(t, in[inB]); after != before {
		t.Errorf("the matrix has changed something: it was\n%s\nand is\n%s", before, after)
	}
	t.Logf("%d answers", cells)
}

// awaitBindings waits until the rights that are expected are known to the host: a no would be remembered for a while.
func awaitBindings(t *testing.T, in namespaces, r row, name string) {
	t.Helper()
	if r.words != "" || r.code != 0 || r.who == "cluster admin" {
		return
	}
	for _, s := range []scope{anywhere, inA, inB} {
		for resource, verbs := range r.rights(s) {
			main, sub, _ := strings.Cut(resource, "/")
			for _, verb := range strings.Fields(verbs) {
				harness.Eventually(t, fmt.Sprintf("%s may %s %s in %q", r.who, verb, resource, s), func(ctx context.Context) error {
					review, err := cluster.Admin.Kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
						User: name, Groups: []string{"system:authenticated"},
						ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: in[s], Verb: verb, Group: "dittofs.io", Version: "v1alpha1", Resource: main, Subresource: sub},
					}}, metav1.CreateOptions{})
					if err == nil && !review.Status.Allowed {
						err = fmt.Errorf("RBAC says no: %s", review.Status.Reason)
					}
					return err
				})
			}
		}
	}
}

// caller sends requests of somebody through one door.
type caller struct {
	*asked
	host   string
	client *http.Client
}

func newCaller(t *testing.T, who *asked, d door) caller {
	t.Helper()
	config := rest.CopyConfig(who.config)
	if d == ourPort {
		direct := cluster.Server.DirectConfig()
		config.Host, config.CAData = direct.Host, direct.CAData
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	return caller{asked: who, host: config.Host, client: client}
}

// send returns the answer; of a watch, that it has begun.
func (c caller) send(t *testing.T, a ask) (code int, body string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if a.current {
		a.body = stored(t, a.path)
	}
	request, err := http.NewRequestWithContext(ctx, a.method, c.host+a.path, strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range c.header {
		request.Header[name] = values
	}
	request.Header.Set("Accept", "application/json")
	if a.contentType == "" {
		a.contentType = "application/json"
	}
	if a.body != "" {
		request.Header.Set("Content-Type", a.contentType)
	}
	response, err := c.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if strings.HasSuffix(a.path, "watch=true") && response.StatusCode == http.StatusOK {
		return response.StatusCode, ""
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// expect holds one answer to the table. A yes is one of the API, or of dfs; a no must be that of the authorizer, in its words.
func (c caller) expect(t *testing.T, r row, s scope, namespace, resource, verb string, a ask) {
	t.Helper()
	code, body := c.send(t, a)
	if r.rights(s).allow(resource, verb) {
		ofDFS := resource == proxy && !strings.Contains(body, `"kind":"Status"`) && code != http.StatusUnauthorized && code != http.StatusForbidden
		if code >= 300 && !ofDFS {
			t.Errorf("%s of %s in %q (%s %s): %d, want a yes: %s", verb, resource, s, a.method, a.path, code, body)
		}
		return
	}
	words := r.words
	if words == "" {
		where := "at the cluster scope"
		if namespace != "" {
			where = `in the namespace \"` + namespace + `\"`
		}
		words = fmt.Sprintf(`User \"%s\" cannot %s resource \"%s\" in API group \"dittofs.io\" %s`, c.name, verb, resource, where)
	}
	if code != r.refusal() || !strings.Contains(body, words) {
		t.Errorf("%s of %s in %q (%s %s): %d, want %d with %s: %s", verb, resource, s, a.method, a.path, code, r.refusal(), words, body)
	}
}
