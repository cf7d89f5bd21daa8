// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	genericapiserver "k8s.io/apiserver/pkg/server"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/compatibility"
	baseversion "k8s.io/component-base/version"
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

func allowed(rules []rbacv1.PolicyRule, verb, group, resource string) bool {
	return slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool {
		return slices.Contains(rule.Verbs, verb) && slices.Contains(rule.APIGroups, group) && slices.Contains(rule.Resources, resource)
	})
}

// recordingHost is a host cluster that has nothing and remembers what it was asked for.
type recordingHost struct {
	mu    sync.Mutex
	asked map[schema.GroupResource]bool
}

func (h *recordingHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var resource schema.GroupResource
	switch parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/"); {
	case len(parts) == 3 && parts[0] == "api":
		resource.Resource = parts[2]
	case len(parts) == 4 && parts[0] == "apis":
		resource.Group, resource.Resource = parts[1], parts[3]
	}
	if resource.Resource != "" { // else discovery, which everybody may ask for
		h.mu.Lock()
		h.asked[resource] = true
		h.mu.Unlock()
	}
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Query().Get("watch") != "" {
		// Not even a watch with initial events: the informer lists then.
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Invalid","code":422}`)
		return
	}
	_, _ = io.WriteString(w, `{"metadata":{"resourceVersion":"1"},"items":[]}`)
}

// TestTheShippedRoleCoversEveryInformerOfTheAdmissionChain guards against a new
// plugin of the library: with a right missing, the APIService is Available and
// every write is refused.
func TestTheShippedRoleCoversEveryInformerOfTheAdmissionChain(t *testing.T) {
	host := &recordingHost{asked: map[schema.GroupResource]bool{}}
	listener := httptest.NewServer(host)
	defer listener.Close()
	connection := &rest.Config{Host: listener.URL, QPS: -1}
	client, err := kubernetes.NewForConfig(connection)
	if err != nil {
		t.Fatal(err)
	}
	dynamicClient, err := dynamic.NewForConfig(connection)
	if err != nil {
		t.Fatal(err)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	config := genericapiserver.NewRecommendedConfig(newCodecs(NewScheme()))
	config.Authorization.Authorizer = authorizerOf(newIdentities())
	initializers, err := newInitializers(connection)
	if err != nil {
		t.Fatal(err)
	}
	options := NewOptions()
	if err := options.Features.ApplyTo(&config.Config, client, factory); err != nil {
		t.Fatal(err)
	}
	if err := options.Admission.ApplyTo(&config.Config, factory, client, dynamicClient, utilfeature.DefaultFeatureGate,
		compatibility.NewEffectiveVersionFromString(baseversion.DefaultKubeBinaryVersion, "", ""), initializers); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	factory.Start(ctx.Done())
	for informer, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			t.Errorf("the informer of %v did not list", informer)
		}
	}

	rules := shippedRules(t)
	host.mu.Lock()
	defer host.mu.Unlock()
	for resource := range host.asked {
		for _, verb := range []string{"list", "watch"} {
			if !allowed(rules, verb, resource.Group, resource.Resource) {
				t.Errorf("the shipped ClusterRoles do not allow %s of %s", verb, resource)
			}
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
		if !host.asked[resource] {
			t.Errorf("no informer asked for %s; asked were %v", resource, host.asked)
		}
	}
}

// Look-ups of our plugins, beside their informers. Without the right a plugin
// fails closed, and every write that it is about is 503.
func TestTheRoleOfTheServerCoversTheLookUpsOfAdmission(t *testing.T) {
	rules := rulesOf(t, "../../artifacts/deploy/base/rbac-apiserver.yaml")
	for _, right := range []struct{ verb, group, resource string }{
		{"get", "", "namespaces"},
		{"get", "", "secrets"},
		{"get", "apps", "statefulsets"},
		{"get", "", "persistentvolumeclaims"},
		{"get", "storage.k8s.io", "storageclasses"},
		{"create", "", "podtemplates"},
	} {
		if !allowed(rules, right.verb, right.group, right.resource) {
			t.Errorf("rbac-apiserver.yaml does not allow %s of %s.%s", right.verb, right.resource, right.group)
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
