// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Rule is short for a rule of RBAC.
func Rule(group, resource string, verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs}
}

// Allow gives a user rights in one namespace, and returns once kube-apiserver acts on them.
func (c *Cluster) Allow(t *testing.T, user *User, namespace string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	meta := metav1.ObjectMeta{GenerateName: "test-"}
	role, err := c.Admin.Kube.RbacV1().Roles(namespace).Create(t.Context(), &rbacv1.Role{ObjectMeta: meta, Rules: rules}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Admin.Kube.RbacV1().RoleBindings(namespace).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user.Name}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.AwaitAllowed(t, user, namespace, rules...)
}

// AwaitAllowed waits until kube-apiserver, which sees roles and bindings a moment after they are stored, acts on rules. An
// empty namespace means all.
func (c *Cluster) AwaitAllowed(t *testing.T, user *User, namespace string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	for _, question := range questions(namespace, rules) {
		Eventually(t, fmt.Sprintf("%s may %s %s in %q", user.Name, question.Verb, question.Resource, namespace), func(ctx context.Context) error {
			review, err := c.Admin.Kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
				Spec: authorizationv1.SubjectAccessReviewSpec{User: user.Name, ResourceAttributes: &question},
			}, metav1.CreateOptions{})
			if err == nil && !review.Status.Allowed {
				err = fmt.Errorf("kube-apiserver says no: %s", review.Status.Reason)
			}
			return err
		})
	}
}

// questions are those whose answer is yes by each of the rules.
func questions(namespace string, rules []rbacv1.PolicyRule) (all []authorizationv1.ResourceAttributes) {
	for _, rule := range rules {
		for _, verb := range rule.Verbs {
			if len(rule.Resources) == 0 {
				continue // about paths
			}
			question := authorizationv1.ResourceAttributes{Namespace: namespace, Verb: verb, Group: rule.APIGroups[0]}
			question.Resource, question.Subresource, _ = strings.Cut(rule.Resources[len(rule.Resources)-1], "/")
			if len(rule.ResourceNames) > 0 {
				question.Name = rule.ResourceNames[0]
			}
			all = append(all, question)
		}
	}
	return all
}
