// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// watches is about the informer of one kind, whichever way it fills itself.
func watches(path string) silence {
	return func(r *http.Request, _ []byte) bool { return r.URL.Path == path && r.URL.Query().Get("watch") != "" }
}

// A server that says it is ready takes writes: whoever waits for readyz in a script does not wait for anything else.
func TestTheFirstCreateAfterTheStartIsDecided(t *testing.T) {
	namespace := cluster.Namespace(t)
	with := func(name, class string) *dittofsv1alpha1.DittoServer {
		return harness.NewDittoServer(name, func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.StorageClassName = &class })
	}
	expect := func(t *testing.T, host *deafHost) {
		t.Helper()
		servers := startAnother(t, host.kubeconfig).servers(t, cluster.Admin, namespace)
		start := time.Now()
		if _, err := servers.Create(t.Context(), with("files", "standard"), metav1.CreateOptions{}); err != nil {
			t.Errorf("the first create: %v", err)
		}
		_, err := servers.Create(t.Context(), with("other", "fats"), metav1.CreateOptions{})
		expectRefusal(t, err, 422, "spec.storage.storageClassName", `"fats"`, "existing are fixed, standard")
		t.Logf("both were decided %s after readyz", time.Since(start))
	}
	t.Run("while informers fill themselves", func(t *testing.T) {
		expect(t, newDeafHost(t))
	})
	t.Run("while the informers of the library are slow", func(t *testing.T) {
		expect(t, newDeafHost(t, func(r *http.Request, _ []byte) bool {
			if slow := strings.HasPrefix(r.URL.Path, "/apis/admissionregistration.k8s.io/") && r.URL.Query().Get("watch") != ""; slow {
				<-time.After(2 * time.Second)
			}
			return false
		}))
	})
	t.Run("while StorageClasses cannot be watched", func(t *testing.T) {
		expect(t, newDeafHost(t, watches("/apis/storage.k8s.io/v1/storageclasses")))
	})
}

// A role of an older release may lack what a plugin needs. Only the requests that the plugin is about are refused then,
// at once, with what is to be done; and once it is done, nothing needs a restart.
func TestARightThatTheServerLacksIsNamedAndFoundAtOnceWhenGiven(t *testing.T) {
	namespace := cluster.Namespace(t)
	limited := cluster.User(t, "limited-server")
	rules := shippedRules(t)
	mayLook := slices.IndexFunc(rules, func(rule rbacv1.PolicyRule) bool { return slices.Contains(rule.Resources, "storageclasses") })
	if mayLook < 0 {
		t.Fatal("the shipped role has lost its rule for storageclasses")
	}
	missing := rules[mayLook]
	allowEverywhere(t, limited, slices.Delete(rules, mayLook, mayLook+1)...)
	cluster.Allow(t, limited, "kube-system", rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get", "list", "watch"}, ResourceNames: []string{"extension-apiserver-authentication"}})
	allowEverywhere(t, limited, harness.Rule("", "configmaps", "get", "create", "update")) // its store's name tag

	servers := startAnother(t, limited.Kubeconfig).servers(t, cluster.Admin, namespace)
	_, err := servers.Create(t.Context(), harness.NewDittoServer("files"), dryRun)
	expectRefusal(t, err, 422, "spec.identity.jwt.secretRef", "spec.identity.admin.passwordSecretRef", "may not create Secrets in namespace "+namespace, "install the component generate-credentials")
	credentials := func(s *dittofsv1alpha1.DittoServer) {
		jwt("signing")(&s.Spec)
		s.Spec.Identity.Admin.PasswordSecretRef = s.Spec.Identity.JWT.SecretRef
	}
	for _, options := range []metav1.CreateOptions{{}, dryRun} {
		start := time.Now()
		_, err := servers.Create(t.Context(), harness.NewDittoServer("files", credentials), options)
		expectRefusal(t, err, http.StatusServiceUnavailable, "looking for the StorageClasses", "trying again does not help",
			"apply the ClusterRole dittofs-apiserver", `User "limited-server" cannot list resource "storageclasses"`)
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("to say so took %s", took)
		}
	}
	// Without volumes there is nothing to look for.
	server, err := servers.Create(t.Context(), harness.NewDittoServer("trial", credentials, func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Storage = dittofsv1alpha1.StorageSpec{Ephemeral: true, MetadataSize: s.Spec.Storage.MetadataSize}
	}), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	server.Spec.Logging.Level = dittofsv1alpha1.LogDebug
	if _, err := servers.Update(t.Context(), server, metav1.UpdateOptions{}); err != nil {
		t.Errorf("an edit that is not about volumes: %v", err)
	}

	allowEverywhere(t, limited, missing)
	harness.Eventually(t, "with the right servers are created", func(ctx context.Context) error {
		_, err := servers.Create(ctx, harness.NewDittoServer("files", credentials), dryRun)
		return err
	})
}

// allowEverywhere gives a user rights in all namespaces.
func allowEverywhere(t *testing.T, user *harness.User, rules ...rbacv1.PolicyRule) {
	t.Helper()
	meta := metav1.ObjectMeta{GenerateName: "test-"}
	role, err := cluster.Admin.Kube.RbacV1().ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: meta, Rules: rules}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = cluster.Admin.Kube.RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user.Name}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cluster.AwaitAllowed(t, user, metav1.NamespaceAll, rules...)
}
