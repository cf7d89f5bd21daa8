// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package tenancy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// strict leaves a tenant nothing but the size of their volumes, up to a point.
func strict(c *dittofsv1alpha1.DittoServerClass) {
	narrow(c)
	c.Spec.Defaults.Resources = &corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi"), corev1.ResourceCPU: resource.MustParse("500m")}}
	limits := &c.Spec.Limits
	limits.Storage.MaxServerSize = ptr.To(resource.MustParse("4Gi"))
	limits.Resources.Max = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi"), corev1.ResourceCPU: resource.MustParse("1")}
	limits.ExtraVolumes = &dittofsv1alpha1.AllowedValues{}
	limits.SecurityContexts, limits.Services.NodePorts = dittofsv1alpha1.PermissionForbidden, dittofsv1alpha1.PermissionForbidden
	limits.Services.Annotations, limits.Services.Labels = &dittofsv1alpha1.AllowedValues{}, &dittofsv1alpha1.AllowedValues{}
	limits.ServiceAccounts, limits.PodLabels, limits.PodAnnotations = &dittofsv1alpha1.AllowedValues{}, &dittofsv1alpha1.AllowedValues{}, &dittofsv1alpha1.AllowedValues{}
	limits.Scheduling.PriorityClasses, limits.Scheduling.Tolerations = &dittofsv1alpha1.AllowedValues{}, &dittofsv1alpha1.AllowedValues{}
	limits.Images = &dittofsv1alpha1.ImageLimits{Allowed: []string{"marmos91c/dittofs:*"}}
	c.Spec.Access.Credentials = dittofsv1alpha1.CredentialsAccess{MaxRole: "operator", MaxDuration: "5m"}
}

// ownerWith is the owner of a namespace that has a server, "files", of a class that they may use.
func ownerWith(t *testing.T, name string, change func(*dittofsv1alpha1.DittoServerClass)) (a, className string, owner caller) {
	t.Helper()
	className = class(t, change)
	a, _, owner = ownerOfA(t, name)
	grant(t, cluster.User(t, name), a, className, "use")
	harness.Eventually(t, "the class can be used", func(context.Context) error {
		code, body := owner.send(t, ask{method: "POST", path: group + "/namespaces/" + a + "/dittoservers", body: fmt.Sprintf(newServer, "files", fmt.Sprintf(`"replicas":0,"className":%q`, className))})
		if code != http.StatusCreated {
			return fmt.Errorf("answered %d %s", code, body)
		}
		return nil
	})
	return a, className, owner
}

func TestNoEditGetsAServerBeyondTheLimitsOfItsClass(t *testing.T) {
	a, className, owner := ownerWith(t, "limit-seeker", strict)
	path := group + "/namespaces/" + a + "/dittoservers"
	allows := fmt.Sprintf(`the class \"%s\"`, className)
	const positive = "greater than"
	for what, c := range map[string]struct{ spec, field, want string }{
		"by a volume that is too large":             {`"storage":{"metadataSize":"3Gi"}`, "spec.storage.metadataSize", `Invalid value: \"3Gi\": ` + allows + " allows 2Gi for a volume; ask somebody with the verb override"},
		"by volumes that are too large together":    {`"storage":{"metadataSize":"2Gi","contentSize":"2Gi"}`, "spec.storage", allows},
		"by a quantity beyond all numbers":          {`"storage":{"metadataSize":"1e999999999"}`, "spec.storage.metadataSize", allows},
		"by a quantity that a sum would turn round": {`"storage":{"metadataSize":"9223372036854775807","contentSize":"9223372036854775807"}`, "spec.storage", allows},
		"by a negative size":                        {`"storage":{"metadataSize":"-1Gi"}`, "spec.storage.metadataSize", positive},
		"by a negative size of the second volume":   {`"storage":{"metadataSize":"1Gi","contentSize":"-1Gi"}`, "spec.storage.contentSize", positive},
		"by no size":                            {`"storage":{"metadataSize":"0"}`, "spec.storage.metadataSize", positive},
		"by memory without end":                 {`"resources":{"limits":{"memory":"1e30"}}`, "spec.resources.limits", allows},
		"by negative memory":                    {`"resources":{"limits":{"memory":"-1Gi"}}`, "spec.resources.limits", "must not be negative"},
		"by another image":                      {`"image":"evil.example.com/dittofs:v0.29.0"`, "spec.image", allows},
		"by extra environment":                  {`"extraEnv":[{"name":"A","value":"b"}]`, "spec.extraEnv", allows},
		"by extra volumes":                      {`"extraVolumes":[{"name":"v","emptyDir":{}}]`, "spec.extraVolumes", allows},
		"by the configuration":                  {`"config":{"cache":{"size":1}}`, "spec.config", allows + " allows the keys gc.*"},
		"by the type of a Service":              {`"adapterServices":{"type":"LoadBalancer"}`, "spec.adapterServices.type", allows},
		"by the type of the Service of the API": {`"service":{"type":"LoadBalancer"}`, "spec.service.type", allows},
		"by a port of every node":               {`"adapterServices":{"type":"NodePort"}`, "spec.adapterServices.type", allows},
		"by an annotation of a Service":         {`"service":{"annotations":{"example.com/a":"b"}}`, "spec.service.annotations", allows},
		"by privileges":                         {`"securityContext":{"runAsUser":0}`, "spec.securityContext", allows},
		"by another account":                    {`"serviceAccountName":"builder"`, "spec.serviceAccountName", allows},
		"by priority":                           {`"priorityClassName":"system-cluster-critical"`, "spec.priorityClassName", allows},
		"by a toleration":                       {`"tolerations":[{"operator":"Exists"}]`, "spec.tolerations", allows},
		"by a reserved field":                   {`"rollout":"OnRequest"`, "spec.rollout", "reserves this field"},
	} {
		t.Run(what, func(t *testing.T) {
			whole := c.spec
			if !strings.Contains(whole, `"storage"`) {
				whole += `,"storage":{"metadataSize":"1Gi"}`
			}
			object := func(name, spec string) string {
				return `{"apiVersion":"dittofs.io/v1alpha1","kind":"DittoServer","metadata":{"name":"` + name + `"},"spec":{"className":"` + className + `",` + spec + `}}`
			}
			for way, request := range map[string]ask{
				"create":     {method: "POST", path: path, body: object("new", whole)},
				"patch":      {method: "PATCH", path: path + "/files", body: `{"spec":{` + c.spec + `}}`, contentType: mergePatch},
				"JSON patch": {method: "PATCH", path: path + "/files", body: asJSONPatch(t, c.spec), contentType: "application/json-patch+json"},
				"replace":    {method: "PUT", path: path + "/files", body: object("files", whole)},
				"apply":      {method: "PATCH", path: path + "/files?force=true&fieldManager=other", contentType: applyPatch, body: object("files", c.spec)},
			} {
				code, body := owner.send(t, request)
				if code != http.StatusForbidden && code != http.StatusUnprocessableEntity || !strings.Contains(body, c.field) || !strings.Contains(body, c.want) {
					t.Errorf("by %s: answered %d, want a refusal of %s with %s: %s", way, code, c.field, c.want, body)
				}
			}
		})
	}
	t.Run("by an edit of a reserved field, which stays what it was", func(t *testing.T) {
		code, body := owner.send(t, ask{method: "PATCH", path: path + "/files", body: `{"spec":{"rollout":"OnRequest"}}`, contentType: mergePatch})
		if code != http.StatusForbidden && code != http.StatusUnprocessableEntity || !strings.Contains(body, `reserves this field: it stays \"Automatic\"`) {
			t.Errorf("answered %d %s", code, body)
		}
	})
	t.Run("by a class that is not there", func(t *testing.T) {
		code, body := owner.send(t, ask{method: "POST", path: path, body: fmt.Sprintf(newServer, "other", `"className":"none-such"`)})
		if code < 400 || code >= 500 || !strings.Contains(body, "there is no such DittoServerClass") {
			t.Errorf("answered %d %s", code, body)
		}
	})
	t.Run("by the limits of the class itself", func(t *testing.T) {
		code, body := owner.send(t, ask{method: "PATCH", path: group + "/dittoserverclasses/" + className, body: `{"spec":{"limits":null}}`, contentType: mergePatch})
		if code != http.StatusForbidden || !strings.Contains(body, "limit-seeker") {
			t.Errorf("answered %d %s", code, body)
		}
	})
	t.Run("by a larger quota", func(t *testing.T) {
		quotas := cluster.Admin.Kube.CoreV1().ResourceQuotas(a)
		quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "dittofs"}, Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"count/dittoservers.dittofs.io": resource.MustParse("1")}}}
		if _, err := quotas.Create(t.Context(), quota, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, method := range []string{"PATCH", "DELETE"} {
			code, body := owner.send(t, ask{method: method, path: "/api/v1/namespaces/" + a + "/resourcequotas/dittofs", body: `{"spec":{"hard":null}}`, contentType: mergePatch})
			if code != http.StatusForbidden {
				t.Errorf("%s: answered %d %s", method, code, body)
			}
		}
	})
	server, err := cluster.Admin.DittoServers(a).Get(t.Context(), "files", metav1.GetOptions{})
	if err != nil || server.Generation != 1 {
		t.Errorf("the server is of generation %d: %v", server.Generation, err)
	}
}

// asJSONPatch sets the fields of a spec.
func asJSONPatch(t *testing.T, spec string) string {
	t.Helper()
	fields := map[string]any{}
	if err := json.Unmarshal([]byte("{"+spec+"}"), &fields); err != nil {
		t.Fatal(err)
	}
	var operations []map[string]any
	for name, value := range fields {
		operations = append(operations, map[string]any{"op": "add", "path": "/spec/" + name, "value": value})
	}
	patch, err := json.Marshal(operations)
	if err != nil {
		t.Fatal(err)
	}
	return string(patch)
}

// Each is small enough; together they are not. The tenth that is asked for at once is in race_test.go.
func TestManySmallServersAreNoMoreThanTheLimitsOfTheirNamespace(t *testing.T) {
	for name, limit := range map[string]struct {
		change func(*dittofsv1alpha1.ClassLimits)
		quota  corev1.ResourceList
		want   string
	}{
		"by servers of a class":       {change: func(l *dittofsv1alpha1.ClassLimits) { l.ServersPerNamespace = ptr.To[int32](2) }, want: "allows 2 servers in a namespace"},
		"by the storage of a class":   {change: func(l *dittofsv1alpha1.ClassLimits) { l.Storage.MaxNamespaceSize = ptr.To(resource.MustParse("5Gi")) }, want: "5Gi"},
		"by a quota of servers":       {quota: corev1.ResourceList{"count/dittoservers.dittofs.io": resource.MustParse("2")}, want: "exceeded quota"},
		"by a quota of their storage": {quota: corev1.ResourceList{dittofsv1alpha1.QuotaStorage: resource.MustParse("5Gi")}, want: "exceeded quota"},
	} {
		t.Run(name, func(t *testing.T) {
			// The server that is there takes 2Gi: 1Gi for metadata, and by default 1Gi for the control plane.
			a, className, owner := ownerWith(t, "splitter-"+strings.ReplaceAll(name, " ", "-"), func(c *dittofsv1alpha1.DittoServerClass) {
				if limit.change != nil {
					limit.change(&c.Spec.Limits)
				}
			})
			if limit.quota != nil {
				awaitQuota(t, a, limit.quota)
			}
			path := group + "/namespaces/" + a + "/dittoservers"
			body := func(name string) string {
				return fmt.Sprintf(newServer, name, fmt.Sprintf(`"replicas":0,"className":%q`, className))
			}
			if code, answer := owner.send(t, ask{method: "POST", path: path, body: body("second")}); code != http.StatusCreated {
				t.Fatalf("the second: answered %d %s", code, answer)
			}
			for _, third := range []ask{
				{method: "POST", path: path, body: body("third")},
				{method: "PATCH", path: path + "/third?fieldManager=other", body: body("third"), contentType: applyPatch},
			} {
				if code, answer := owner.send(t, third); code != http.StatusForbidden || !strings.Contains(answer, limit.want) {
					t.Errorf("the third, by %s: answered %d, want 403 with %s: %s", third.method, code, limit.want, answer)
				}
			}
		})
	}
}

// awaitQuota makes a quota and waits until what is there has been counted.
func awaitQuota(t *testing.T, namespace string, hard corev1.ResourceList) {
	t.Helper()
	quotas := cluster.Admin.Kube.CoreV1().ResourceQuotas(namespace)
	if _, err := quotas.Create(t.Context(), &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "servers"}, Spec: corev1.ResourceQuotaSpec{Hard: hard}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the quota has been counted", func(ctx context.Context) error {
		quota, err := quotas.Get(ctx, "servers", metav1.GetOptions{})
		if err != nil {
			return err
		}
		for name := range hard {
			if used := quota.Status.Used[name]; used.IsZero() {
				return fmt.Errorf("%s is %s", name, used.String())
			}
		}
		return nil
	})
}

func TestATokenIsNeverMoreThanTheClassAllows(t *testing.T) {
	a, _, owner := ownerWith(t, "token-seeker", strict)
	// Everything that RBAC can give for it: the class has the last word.
	cluster.Allow(t, cluster.User(t, "token-seeker"), a, harness.Rule("dittofs.io", credentials, "create", "administer"), harness.Rule("dittofs.io", proxy, "*"))
	path := group + "/namespaces/" + a + "/dittoservers/files/"
	harness.Eventually(t, "there is a token within the class", func(context.Context) error {
		if code, body := owner.send(t, ask{method: "POST", path: path + "credentials", body: `{"spec":{"expirationSeconds":300}}`}); code != http.StatusCreated {
			return fmt.Errorf("answered %d %s", code, body)
		}
		return nil
	})
	for name, c := range map[string]struct {
		ask
		code int
		want string
	}{
		"by a longer life":                {ask{method: "POST", path: path + "credentials", body: `{"spec":{"expirationSeconds":301}}`}, 422, "spec.expirationSeconds"},
		"by a higher role":                {ask{method: "POST", path: path + "credentials", body: `{"spec":{"role":"admin"}}`}, 403, "the role operator at most"},
		"by a role of the file server":    {ask{method: "POST", path: path + "credentials", body: `{"spec":{"role":"user"}}`}, 422, "spec.role"},
		"by the token of another server":  {ask{method: "POST", path: path + "credentials", body: `{"metadata":{"name":"other"}}`}, 422, "metadata.name"},
		"by the proxy, which is an admin": {ask{method: "GET", path: path + "proxy/api/v1/adapters"}, 403, "the proxy is switched off"},
	} {
		t.Run(name, func(t *testing.T) {
			if code, body := owner.send(t, c.ask); code != c.code || !strings.Contains(body, c.want) || strings.Contains(body, `"token":`) {
				t.Errorf("answered %d, want %d with %s: %s", code, c.code, c.want, body)
			}
		})
	}
}
