// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// shippedRules are the rules of every ClusterRole of the base installation.
func shippedRules(t *testing.T) []rbacv1.PolicyRule {
	t.Helper()
	files, err := filepath.Glob("../../artifacts/deploy/base/rbac-*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("manifests: %v, %v", files, err)
	}
	return rulesOf(t, files...)
}

func rulesOf(t *testing.T, files ...string) []rbacv1.PolicyRule {
	t.Helper()
	var rules []rbacv1.PolicyRule
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		decoder := utilyaml.NewYAMLOrJSONDecoder(file, 4096)
		for {
			var role rbacv1.ClusterRole
			if err := decoder.Decode(&role); err != nil {
				break
			}
			if role.Kind == "ClusterRole" {
				rules = append(rules, role.Rules...)
			}
		}
	}
	return rules
}

const apiserverRole = "../../artifacts/deploy/base/rbac-apiserver.yaml"

// right is one verb on one resource, or on its subresource.
type right struct{ verb, group, resource string }

func (r right) String() string {
	return r.verb + " of " + schema.GroupResource{Group: r.group, Resource: r.resource}.String()
}

func rightsOf(rules []rbacv1.PolicyRule) map[right]bool {
	rights := map[right]bool{}
	for _, rule := range rules {
		for _, verb := range rule.Verbs {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					rights[right{verb, group, resource}] = true
				}
			}
		}
	}
	return rights
}

// lookUps are the rights that the API server takes beside its informers, with
// what takes them. Without the one of a plugin that fails closed, every write
// that the plugin is about is 503.
func lookUps() map[right]string {
	return map[right]string{
		{"create", "authentication.k8s.io", "tokenreviews"}:             "delegated authentication",
		{"create", "authorization.k8s.io", "subjectaccessreviews"}:      "delegated authorization, DittoServerSecretAccess",
		{"create", "authorization.k8s.io", "selfsubjectaccessreviews"}:  "DittoServerCredentials",
		{"get", "", "namespaces"}:                                       "DittoServerNamespaceStamp, credentials and proxy",
		{"get", "", "secrets"}:                                          "DittoServerSecretAccess and its warnings, credentials and proxy",
		{"get", "apps", "statefulsets"}:                                 "DittoServerSecretAccess, proxy",
		{"get", "", "pods"}:                                             "proxy",
		{"create", "events.k8s.io", "events"}:                           "credentials",
		{"get", "", "persistentvolumeclaims"}:                           "DittoServerSecretAccess, DittoServerStorageClass",
		{"get", "storage.k8s.io", "storageclasses"}:                     "DittoServerStorageClass",
		{"list", "storage.k8s.io", "storageclasses"}:                    "DittoServerStorageClass, before its informer knows anything",
		{"create", "", "podtemplates"}:                                  "DittoServerPodFields, dry runs only",
		{"update", "", "resourcequotas/status"}:                         "ResourceQuota",
		{"patch", "flowcontrol.apiserver.k8s.io", "flowschemas/status"}: "priority and fairness",
	}
}

// TestHazard05TheRoleOfTheServerIsWhatItTakesAndNoMore guards against a new plugin of
// the library, too: with a right missing, the APIService is Available and every
// write is refused.
func TestHazard05TheRoleOfTheServerIsWhatItTakesAndNoMore(t *testing.T) {
	host, _ := newChain(t, newIdentities())
	host.mu.Lock()
	defer host.mu.Unlock()
	needed := lookUps()
	for resource := range host.listed {
		for _, verb := range []string{"get", "list", "watch"} {
			needed[right{verb, resource.Group, resource.Resource}] = "an informer of the admission chain"
		}
	}
	given := rightsOf(rulesOf(t, apiserverRole))
	for right, reason := range needed {
		if !given[right] {
			t.Errorf("%s does not allow %s, which takes %s", apiserverRole, right, reason)
		}
	}
	for right := range given {
		if needed[right] == "" {
			t.Errorf("%s allows %s, and nothing takes it", apiserverRole, right)
		}
	}
	// The test would prove nothing if the informers had not been started.
	for _, resource := range []schema.GroupResource{
		{Resource: "namespaces"}, {Resource: "resourcequotas"},
		{Group: "storage.k8s.io", Resource: "storageclasses"},
		{Group: "admissionregistration.k8s.io", Resource: "mutatingadmissionpolicies"},
		{Group: "admissionregistration.k8s.io", Resource: "validatingwebhookconfigurations"},
		{Group: "flowcontrol.apiserver.k8s.io", Resource: "flowschemas"},
	} {
		if !host.listed[resource] {
			t.Errorf("no informer listed %s; listed were %v", resource, host.listed)
		}
	}
}

func TestTheBaseRoleNeverWritesSecrets(t *testing.T) {
	for _, rule := range shippedRules(t) {
		if !slices.Contains(rule.Resources, "secrets") && !slices.Contains(rule.Resources, "*") {
			continue
		}
		for _, verb := range rule.Verbs {
			if verb != "get" && verb != "list" && verb != "watch" {
				t.Errorf("the base role may %s secrets", verb)
			}
		}
	}
}
