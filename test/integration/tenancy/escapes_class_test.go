// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package tenancy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

const (
	jsonPatch      = "application/json-patch+json"
	strategicPatch = "application/strategic-merge-patch+json"
	applyPatch     = "application/apply-patch+yaml"
)

// changed is an object as it is, with another class.
func changed(t *testing.T, path, className string) string {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := json.Unmarshal([]byte(stored(t, path)), &object.Object); err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedField(object.Object, className, "spec", "className"); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The owner of a namespace has a server of a class that they may use, and one without a class; "large" is not for them.
func TestNoWayLeadsToAClassWithoutTheVerbUse(t *testing.T) {
	none := func(*dittofsv1alpha1.DittoServerClass) {}
	mine, large := class(t, none), class(t, none)
	a, _, owner := ownerOfA(t, "class-seeker")
	cluster.CreateDittoServer(t, a, "files", func(s *dittofsv1alpha1.DittoServer) { s.Spec.ClassName, s.Spec.Replicas = &mine, ptr.To[int32](0) })
	cluster.CreateDittoServer(t, a, "plain", func(s *dittofsv1alpha1.DittoServer) { s.Spec.Replicas = ptr.To[int32](0) })
	grant(t, cluster.User(t, "class-seeker"), a, mine, "use")

	all := group + "/namespaces/" + a + "/dittoservers"
	files, plain := all+"/files", all+"/plain"
	spec := fmt.Sprintf(`{"spec":{"className":%q}}`, large)
	applied := fmt.Sprintf(newServer, "files", fmt.Sprintf(`"className":%q`, large))
	created := strings.ReplaceAll(applied, `"files"`, `"new"`)
	roles := "/apis/rbac.authorization.k8s.io/v1/namespaces/" + a
	role := func(resource, verb string) string {
		return fmt.Sprintf(`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"more"},"rules":[{"apiGroups":["dittofs.io"],"resources":[%q],"verbs":[%q]}]}`, resource, verb)
	}
	const lacks, immutable, escalates = "the verb use on DittoServerClass", "is immutable: a server keeps its class for life", "attempting to grant RBAC permissions not currently held"
	for name, c := range map[string]struct {
		ask
		code int
		want string
	}{
		"by create":                              {ask{method: "POST", path: all, body: created}, 403, lacks},
		"by a dry run of create":                 {ask{method: "POST", path: all + "?" + dry, body: created}, 403, lacks},
		"by apply of a new server":               {ask{method: "PATCH", path: all + "/new?fieldManager=other&force=true", body: created, contentType: applyPatch}, 403, lacks},
		"by replace of a server that is not":     {ask{method: "PUT", path: all + "/new", body: created}, 404, "not found"},
		"by patch":                               {ask{method: "PATCH", path: files, body: spec, contentType: mergePatch}, 422, immutable},
		"by JSON patch":                          {ask{method: "PATCH", path: files, body: fmt.Sprintf(`[{"op":"replace","path":"/spec/className","value":%q}]`, large), contentType: jsonPatch}, 422, immutable},
		"by strategic patch":                     {ask{method: "PATCH", path: files, body: spec, contentType: strategicPatch}, 422, immutable},
		"by replace":                             {ask{method: "PUT", path: files, body: changed(t, files, large)}, 422, immutable},
		"by apply with another manager":          {ask{method: "PATCH", path: files + "?fieldManager=other&force=true", body: applied, contentType: applyPatch}, 422, immutable},
		"by update after create without a class": {ask{method: "PUT", path: plain, body: changed(t, plain, large)}, 422, immutable},
		"by patch after create without a class":  {ask{method: "PATCH", path: plain, body: spec, contentType: mergePatch}, 422, immutable},
		"by status":                              {ask{method: "PATCH", path: files + "/status", body: spec, contentType: mergePatch}, 403, "cannot patch resource"},
		"by finalize":                            {ask{method: "PUT", path: files + "/finalize", body: changed(t, files, large)}, 403, "cannot update resource"},
		"by scale":                               {ask{method: "PATCH", path: files + "/scale", body: fmt.Sprintf(`{"spec":{"replicas":0,"className":%q}}`, large), contentType: mergePatch}, 200, `"kind":"Scale"`},
		"by a change of the class":               {ask{method: "PATCH", path: group + "/dittoserverclasses/" + mine, body: `{"spec":{"limits":null}}`, contentType: mergePatch}, 403, "cannot patch resource"},
		"by a class of one's own":                {ask{method: "POST", path: group + "/dittoserverclasses", body: `{"apiVersion":"dittofs.io/v1alpha1","kind":"DittoServerClass","metadata":{"name":"own"}}`}, 403, "cannot create resource"},
		"by making another class the default":    {ask{method: "PATCH", path: group + "/dittoserverclasses/" + large, body: `{"metadata":{"annotations":{"dittofs.io/is-default-class":"true"}}}`, contentType: mergePatch}, 403, "cannot patch resource"},
		"by a Role with the verb use":            {ask{method: "POST", path: roles + "/roles", body: role(classes, "use")}, 403, escalates},
		"by a Role with the verb override":       {ask{method: "POST", path: roles + "/roles", body: role(classes, "override")}, 403, escalates},
		"by a Role with the proxy":               {ask{method: "POST", path: roles + "/roles", body: role(proxy, "get")}, 403, escalates},
		"by a Role with the verb administer":     {ask{method: "POST", path: roles + "/roles", body: role(credentials, "administer")}, 403, escalates},
		"by a binding of the platform's role": {ask{method: "POST", path: roles + "/rolebindings",
			body: `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"more"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"dittofs-platform-admin"},` +
				`"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"class-seeker"}]}`}, 403, escalates},
	} {
		t.Run(name, func(t *testing.T) {
			if code, body := owner.send(t, c.ask); code != c.code || !strings.Contains(body, c.want) {
				t.Errorf("answered %d, want %d with %s: %s", code, c.code, c.want, body)
			}
		})
	}
	list, err := cluster.Admin.DittoServers(a).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, server := range list.Items {
		got[server.Name] = ptr.Deref(server.Spec.ClassName, "")
	}
	if len(got) != 2 || got["files"] != mine || got["plain"] != "" {
		t.Errorf("the classes of the servers are %v", got)
	}
}

// A GitOps controller has the rights of the platform, and applies for tenants: it impersonates them.
func TestTheVerbUseIsThatOfWhomThePlatformImpersonates(t *testing.T) {
	name := class(t, func(*dittofsv1alpha1.DittoServerClass) {})
	namespace := cluster.Namespace(t)
	in := namespaces{inA: namespace}
	boss := bound("gitops", anywhere, "dittofs-platform-admin")(t, in)
	for _, tenant := range []string{"with-use", "without-use"} {
		bound(tenant, inA, "edit")(t, in)
		allowImpersonation(t, "gitops", tenant)
	}
	grant(t, cluster.User(t, "with-use"), namespace, name, "use")
	as := func(tenant string) error {
		config := rest.CopyConfig(boss.config)
		config.Impersonate.UserName = tenant
		client, err := versioned.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		server := harness.NewDittoServer("files", func(s *dittofsv1alpha1.DittoServer) { s.Spec.ClassName = &name })
		_, err = client.DittofsV1alpha1().DittoServers(namespace).Create(t.Context(), server, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	for _, tenant := range []string{"", "with-use"} {
		harness.Eventually(t, "it may, as "+tenant, func(context.Context) error { return as(tenant) })
	}
	harness.Eventually(t, "the other tenant is asked about the class", func(context.Context) error {
		err := as("without-use")
		if err == nil {
			t.Fatal("the class is used with the right of whoever impersonates")
		}
		if !strings.Contains(err.Error(), `user "without-use" lacks in namespace `+namespace+`: the verb use on DittoServerClass "`+name+`"`) {
			return err
		}
		return nil
	})
}
