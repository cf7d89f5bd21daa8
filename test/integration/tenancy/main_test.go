// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package tenancy_test holds the API of dittofs.io to what a platform team promises: classes give defaults, and
// nobody gets beyond their limits by any way in. In: one control plane and users with the rights that a test gives
// them, by plain RBAC and with the real kubectl. Out: proof of what is stored, and of each refusal.
package tenancy_test

import (
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var cluster *harness.Cluster

func TestMain(m *testing.M) { harness.Run(m, harness.Options{StandIn: true}, &cluster) }

// class creates one that nobody else uses, and returns its name.
func class(t *testing.T, change func(*dittofsv1alpha1.DittoServerClass)) string {
	t.Helper()
	c := &dittofsv1alpha1.DittoServerClass{ObjectMeta: metav1.ObjectMeta{GenerateName: "class-"}}
	change(c)
	created, err := cluster.Admin.DittoFS.DittofsV1alpha1().DittoServerClasses().Create(t.Context(), c, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created.Name
}

// tenant is somebody who may do everything with the servers of one namespace, and with its Secrets.
func tenant(t *testing.T, name, namespace string) *harness.User {
	t.Helper()
	user := cluster.User(t, name)
	cluster.Allow(t, user, namespace,
		rbacv1.PolicyRule{APIGroups: []string{"dittofs.io"}, Resources: []string{"dittoservers", "dittoservers/scale"}, Verbs: []string{"*"}},
		harness.Rule("", "secrets", "get"), harness.Rule("apps", "statefulsets", "update"))
	return user
}

// grant gives verbs on a class, by a RoleBinding in the namespace of the servers.
func grant(t *testing.T, user *harness.User, namespace, class string, verbs ...string) {
	t.Helper()
	rule := harness.Rule("dittofs.io", "dittoserverclasses", verbs...)
	rule.ResourceNames = []string{class}
	cluster.Allow(t, user, namespace, rule)
}
