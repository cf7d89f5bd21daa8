// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	quotav1 "k8s.io/apiserver/pkg/quota/v1"
	quotageneric "k8s.io/apiserver/pkg/quota/v1/generic"
	genericapiserver "k8s.io/apiserver/pkg/server"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/component-base/compatibility"
	baseversion "k8s.io/component-base/version"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
	"github.com/dittofs/dittofs-apiserver/pkg/server"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// initializers give plugins what our server gives them.
type initializers struct {
	quota quotav1.Configuration
	user  *harness.User
}

func (i initializers) Initialize(plugin admission.Interface) {
	if wants, ok := plugin.(initializer.WantsQuotaConfiguration); ok {
		wants.SetQuotaConfiguration(i.quota)
	}
	if wants, ok := plugin.(dittofsadmission.WantsHostMetadata); ok {
		wants.SetHostMetadata(i.user.Metadata)
	}
	// Our own store: nothing of it is asked here, and none of it is of the host.
	if wants, ok := plugin.(dittofsadmission.WantsClasses); ok {
		wants.SetClasses(struct{ dittofsadmission.Classes }{})
	}
	if wants, ok := plugin.(dittofsadmission.WantsClassServers); ok {
		wants.SetClassServers(struct{ dittofsadmission.ClassServers }{})
	}
	if wants, ok := plugin.(dittofsadmission.WantsEtcd); ok {
		wants.SetEtcd(&clientv3.Client{}, "/", true)
	}
}

// informersOfAdmission builds the chain of the server, as a user of its own, and returns what that user watches then.
func informersOfAdmission(t *testing.T) []string {
	t.Helper()
	user := cluster.User(t, "admission-chain", "system:masters")
	ctx, cancel := context.WithTimeout(t.Context(), harness.PatienceLimit)
	factory := informers.NewSharedInformerFactory(user.Kube, 0)
	t.Cleanup(func() {
		cancel()
		factory.Shutdown()
	})
	config := genericapiserver.NewConfig(serializer.NewCodecFactory(server.NewScheme()))
	config.Authorization.Authorizer = authorizerfactory.NewAlwaysAllowAuthorizer()
	version := compatibility.NewEffectiveVersionFromString(baseversion.DefaultKubeBinaryVersion, "", "")
	err := server.NewOptions().Admission.ApplyTo(config, factory, user.Kube, user.Dynamic,
		utilfeature.DefaultFeatureGate, version, initializers{quotageneric.NewConfiguration(nil, nil), user})
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			t.Fatalf("the informer of %s does not sync", kind)
		}
	}
	var watched []string
	for _, event := range cluster.Requests(t, user.Name) {
		if event.ObjectRef != nil && (event.Verb == "list" || event.Verb == "watch") {
			watched = append(watched, schema.GroupResource{Group: event.ObjectRef.APIGroup, Resource: event.ObjectRef.Resource}.String())
		}
	}
	slices.Sort(watched)
	return slices.Compact(watched)
}

// shippedRules are what the manifests give our server in every namespace.
func shippedRules(t *testing.T) []rbacv1.PolicyRule {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "..", "artifacts", "deploy", "base", "rbac-apiserver.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var rules []rbacv1.PolicyRule
	for decoder := utilyaml.NewYAMLOrJSONDecoder(file, 4096); ; {
		var role rbacv1.ClusterRole
		if err := decoder.Decode(&role); errors.Is(err, io.EOF) {
			return rules
		} else if err != nil {
			t.Fatal(err)
		}
		if role.Kind == "ClusterRole" {
			rules = append(rules, role.Rules...)
		}
	}
}

// A plugin whose informer may not list does not stop the server: the APIService is available and every write is
// refused. A new release of the library may bring such a plugin with every update.
func TestTheShippedRoleCoversEveryInformerOfAdmission(t *testing.T) {
	rules := shippedRules(t)
	watched := informersOfAdmission(t)
	for _, expected := range []string{"namespaces", "resourcequotas", "storageclasses.storage.k8s.io", "mutatingadmissionpolicies.admissionregistration.k8s.io", "validatingwebhookconfigurations.admissionregistration.k8s.io"} {
		if !slices.Contains(watched, expected) {
			t.Errorf("this test has lost sight of the informer of %s; it sees %v", expected, watched)
		}
	}
	for _, resource := range watched {
		name, group, _ := strings.Cut(resource, ".")
		for _, verb := range []string{"get", "list", "watch"} {
			if !slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool {
				return slices.Contains(rule.APIGroups, group) && slices.Contains(rule.Resources, name) && slices.Contains(rule.Verbs, verb)
			}) {
				t.Errorf("artifacts/deploy/base/rbac-apiserver.yaml does not allow to %s %s", verb, resource)
			}
		}
	}
}

func TestOurServerIsNeverRefusedAnything(t *testing.T) {
	// Once a write has gone through, every plugin has its informers.
	cluster.CreateDittoServer(t, cluster.Namespace(t), "files")
	watched := map[string]bool{}
	for _, event := range cluster.Requests(t, harness.ServerUser) {
		if event.ResponseStatus != nil && (event.ResponseStatus.Code == 401 || event.ResponseStatus.Code == 403) {
			t.Errorf("%s %s: %d: %s", event.Verb, event.RequestURI, event.ResponseStatus.Code, event.ResponseStatus.Message)
		}
		if event.Verb == "watch" && event.ObjectRef != nil {
			watched[event.ObjectRef.Resource] = true
		}
	}
	for _, resource := range informersOfAdmission(t) {
		name, _, _ := strings.Cut(resource, ".")
		if !watched[name] {
			t.Errorf("our server does not watch %s", resource)
		}
	}
}

// Least rights: whatever the role of the server allows, the server does. Rights of its informers count as one.
func TestTheShippedRoleHasNothingThatTheServerDoesNotUse(t *testing.T) {
	namespace := cluster.Namespace(t)
	tenant := tenantOf(t, namespace)
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "servers"}, Spec: corev1.ResourceQuotaSpec{
		Hard: corev1.ResourceList{"count/dittoservers.dittofs.io": quantity("5")},
	}}
	if _, err := cluster.Admin.Kube.CoreV1().ResourceQuotas(namespace).Create(t.Context(), quota, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "a server is created under the quota", func(ctx context.Context) error {
		return create(ctx, tenant, namespace, "files", metav1.CreateOptions{}, func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
		})
	})
	expectRefusal(t, create(t.Context(), tenant, namespace, "other", metav1.CreateOptions{}, class("unheard-of")), 422, "unheard-of")
	if got := get(t, direct(nil), "/apis/dittofs.io/v1alpha1/dittoservers", map[string]string{"Authorization": "Bearer of-nobody"}); got.code != 401 {
		t.Errorf("a token of nobody: %d", got.code)
	}
	// Only if the state of a FlowSchema is not what kube-apiserver itself has written there.
	used := map[string]bool{
		"patch flowschemas/status.flowcontrol.apiserver.k8s.io": true,
		// By the live subresources, for a server that runs: test/integration/subresources.
		"get pods": true, "create events.events.k8s.io": true,
	}
	harness.Eventually(t, "everything is used", func(context.Context) error {
		for _, event := range cluster.Requests(t, harness.ServerUser) {
			if ref := event.ObjectRef; ref != nil {
				resource := ref.Resource
				if ref.Subresource != "" {
					resource += "/" + ref.Subresource
				}
				used[event.Verb+" "+schema.GroupResource{Group: ref.APIGroup, Resource: resource}.String()] = true
			}
		}
		var idle []string
		for _, rule := range shippedRules(t) {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					for _, verb := range rule.Verbs {
						name := " " + schema.GroupResource{Group: group, Resource: resource}.String()
						if !used[verb+name] && !used["watch"+name] {
							idle = append(idle, verb+name)
						}
					}
				}
			}
		}
		if idle != nil {
			return fmt.Errorf("nothing uses the rights to %s", strings.Join(idle, ", "))
		}
		return nil
	})
}
