// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// systemNamespace is where our server runs in a cluster, and has rights that it has nowhere else.
const systemNamespace = "dittofs-system"

// Right is a verb on a resource, or on its subresource, of the host cluster.
type Right struct{ Group, Resource, Verb string }

func (r Right) String() string {
	return r.Verb + " " + schema.GroupResource{Group: r.Group, Resource: r.Resource}.String()
}

// use says which test uses rights of the controllers: "directory: name".
type use struct {
	group, resource, verbs string
	where                  string
	// inSystem is for what is granted in the namespace of our server only.
	inSystem bool
}

func (u use) rights() (rights []Right) {
	for _, verb := range strings.Fields(u.verbs) {
		rights = append(rights, Right{u.group, u.resource, verb})
	}
	return rights
}

// wholeLife sees each of its rights in the audit log.
const wholeLife = "test/integration/percona: TestTheControllersUseEveryRightOfTheirRole"

// controllerRights are those of artifacts/deploy/base/rbac-controllers.yaml and of the component generate-credentials,
// one for one. A right that is added there needs a line here, and a test that uses it.
var controllerRights = []use{
	{group: "apps", resource: "statefulsets", verbs: "get list watch create patch delete", where: wholeLife},
	{resource: "configmaps", verbs: "get list watch create patch delete", where: wholeLife},
	{resource: "services", verbs: "get list watch create patch delete", where: wholeLife},
	{group: "networking.k8s.io", resource: "ingresses", verbs: "get list watch create patch delete", where: wholeLife},
	{group: "networking.k8s.io", resource: "networkpolicies", verbs: "get list watch create patch delete", where: wholeLife},
	{resource: "persistentvolumeclaims", verbs: "get list watch create patch delete", where: wholeLife},
	{group: "storage.k8s.io", resource: "storageclasses", verbs: "get", where: wholeLife},
	{group: "apiextensions.k8s.io", resource: "customresourcedefinitions", verbs: "list watch", where: wholeLife},
	{group: "monitoring.coreos.com", resource: "servicemonitors", verbs: "get list watch create patch delete", where: wholeLife},
	{group: "pgv2.percona.com", resource: "perconapgclusters", verbs: "get list watch create patch delete", where: wholeLife},
	{resource: "namespaces", verbs: "list watch", where: wholeLife},
	// What the cache says of a namespace that is gone or another one is asked for again.
	{resource: "namespaces", verbs: "get", where: "test/integration/lifecycle: TestServersOfANamespaceThatWasReplacedWhileWeWereAwayAreNotRunInTheNewOne"},
	{resource: "resourcequotas", verbs: "list watch", where: wholeLife},
	{resource: "resourcequotas/status", verbs: "patch", where: wholeLife},
	{resource: "pods", verbs: "get list watch delete", where: wholeLife},
	{resource: "secrets", verbs: "get list watch create", where: wholeLife},
	{group: "events.k8s.io", resource: "events", verbs: "create patch", where: wholeLife},
	{group: "coordination.k8s.io", resource: "leases", verbs: "get create update", where: wholeLife, inSystem: true},
	{resource: "configmaps", verbs: "get create update", where: wholeLife, inSystem: true},
	{resource: "events", verbs: "create", where: "test/integration/store: TestAnEmptyStoreInThePlaceOfAKnownOneServesAndSaysSo", inSystem: true},
}

// grants are what the shipped roles give to our ServiceAccount.
type grants struct {
	// controllers everywhere, system in the namespace of our server, and server what the API server has besides.
	controllers, system, server []rbacv1.PolicyRule
}

// cover says whether a role grants what was asked for; of the controllers, one of their own.
func (g grants) cover(r request, ofController bool) bool {
	rules := slices.Clone(g.controllers)
	if r.namespace == systemNamespace {
		rules = append(rules, g.system...)
	}
	if !ofController {
		rules = append(rules, g.server...)
	}
	return slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool {
		return slices.Contains(rule.Verbs, r.Verb) && slices.Contains(rule.APIGroups, r.Group) && slices.Contains(rule.Resources, r.Resource) &&
			(len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, r.name))
	})
}

// shippedRights reads the manifests.
func shippedRights(root string, withCredentials bool) (g grants, err error) {
	deploy := filepath.Join(root, "artifacts", "deploy")
	if g.controllers, g.system, err = rulesIn(filepath.Join(deploy, "base", "rbac-controllers.yaml")); err != nil {
		return grants{}, err
	}
	if g.server, _, err = rulesIn(filepath.Join(deploy, "base", "rbac-apiserver.yaml")); err != nil {
		return grants{}, err
	}
	// The Role extension-apiserver-authentication-reader of the cluster, which that manifest binds.
	g.server = append(g.server, rbacv1.PolicyRule{
		APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{"extension-apiserver-authentication"}, Verbs: []string{"get", "list", "watch"},
	})
	if withCredentials {
		more, _, err := rulesIn(filepath.Join(deploy, "components", "generate-credentials", "rbac.yaml"))
		if err != nil {
			return grants{}, err
		}
		g.controllers = append(g.controllers, more...)
	}
	return g, nil
}

// rulesIn are the rules of the ClusterRoles and of the Roles in a manifest.
func rulesIn(path string) (clusterWide, namespaced []rbacv1.PolicyRule, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read the shipped roles: %w", err)
	}
	defer file.Close()
	for decoder := utilyaml.NewYAMLOrJSONDecoder(file, 4096); ; {
		var role rbacv1.ClusterRole
		if err := decoder.Decode(&role); errors.Is(err, io.EOF) {
			return clusterWide, namespaced, nil
		} else if err != nil {
			return nil, nil, fmt.Errorf("read the shipped roles: %w", err)
		}
		switch role.Kind {
		case "ClusterRole":
			clusterWide = append(clusterWide, role.Rules...)
		case "Role":
			namespaced = append(namespaced, role.Rules...)
		}
	}
}
