// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/discovery"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func TestHazard03DiscoveryListsNamesVerbsAndSubresources(t *testing.T) {
	client, err := discovery.NewDiscoveryClientForConfig(cluster.Admin.Config)
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.ServerResourcesForGroupVersion(dittofsv1alpha1.SchemeGroupVersion.String())
	if err != nil {
		t.Fatal(err)
	}
	verbs := map[string]string{}
	for _, r := range list.APIResources {
		slices.Sort(r.Verbs)
		verbs[r.Name] = r.Kind + " " + strings.Join(r.Verbs, ",")
		if r.Name != "dittoservers" {
			continue
		}
		if got := strings.Join(r.ShortNames, ","); got != "ditto,dfs" {
			t.Errorf("short names %s, want ditto,dfs", got)
		}
		// In "all", servers would be deleted by kubectl delete all --all.
		if got := strings.Join(r.Categories, ","); got != "dittofs" {
			t.Errorf("categories %s, want dittofs alone", got)
		}
		if r.SingularName != "dittoserver" || !r.Namespaced || r.StorageVersionHash == "" {
			t.Errorf("singular %q, namespaced %v, storage version hash %q", r.SingularName, r.Namespaced, r.StorageVersionHash)
		}
	}
	want := map[string]string{
		"dittoservers":          "DittoServer create,delete,deletecollection,get,list,patch,update,watch",
		"dittoservers/status":   "DittoServer get,patch,update",
		"dittoservers/scale":    "Scale get,patch,update",
		"dittoservers/finalize": "DittoServer get,patch,update",

		"dittoservers/credentials": "CredentialsRequest create",
		"dittoservers/proxy":       "DittoServerProxyOptions create,delete,get,patch,update",

		"dittoserverclasses": "DittoServerClass create,delete,deletecollection,get,list,patch,update,watch",
	}
	for name, expected := range want {
		if verbs[name] != expected {
			t.Errorf("%s: %q, want %q", name, verbs[name], expected)
		}
		delete(verbs, name)
	}
	if len(verbs) > 0 {
		t.Errorf("unexpected resources %v", verbs)
	}
}

func TestKubectlKnowsTheResourceByAllItsNames(t *testing.T) {
	kubectl := cluster.Admin.Kubectl(cluster.Namespace(t))
	out := kubectl.Run(t, "api-resources", "--api-group=dittofs.io", "--no-headers")
	want := "dittoserverclasses dittoclass dittofs.io/v1alpha1 false DittoServerClass dittoservers ditto,dfs dittofs.io/v1alpha1 true DittoServer"
	if fields := strings.Fields(out); strings.Join(fields, " ") != want {
		t.Errorf("api-resources: %s", out)
	}
	for _, name := range []string{"dittoservers", "dittoserver", "ditto", "dfs", "dittofs", "dittoservers.dittofs.io", "dittoservers.v1alpha1.dittofs.io"} {
		kubectl.Run(t, "get", name)
	}
	if out := kubectl.Run(t, "api-resources", "--categories=all", "-o", "name"); strings.Contains(out, "dittofs.io") {
		t.Errorf("the category all holds ours: %s", out)
	}
}

func TestAPIServiceIsAvailable(t *testing.T) {
	out := cluster.Admin.Kubectl("").Run(t, "get", "apiservice", "v1alpha1.dittofs.io",
		"-o", `jsonpath={.status.conditions[?(@.type=="Available")].status} {.spec.groupPriorityMinimum} {.spec.insecureSkipTLSVerify}`)
	if strings.TrimSpace(out) != "True 2000" {
		t.Errorf("got %q, want it available, before custom resources, and with a verified certificate", out)
	}
}

func TestExplainPrintsDocumentation(t *testing.T) {
	kubectl := cluster.Admin.Kubectl("")
	cases := []struct {
		name string
		args []string
		want []string
	}{
		{"the storage with its fields", []string{"dittoserver.spec.storage"}, []string{
			"GROUP:      dittofs.io", "VERSION:    v1alpha1", "metadataSize", "-required-", "storageClassName",
			"volume at /data/store/metadata",
		}},
		{"a short name works as well", []string{"dfs.spec.replicas"}, []string{"0 for a stopped one"}},
		{"the values of an enum", []string{"dittoserver.spec.logging.level"}, []string{"DEBUG", "ERROR"}},
		{"the defaults", []string{"dittoserver.spec.controlPlane.port"}, []string{"Default 8080"}},
		{"the whole tree", []string{"dittoserver", "--recursive"}, []string{
			"passwordSecretRef", "postgresSecretRef", "observedGeneration", "conditions", "lastTransitionTime",
		}},
		{"the metadata is documented too", []string{"dittoserver.metadata.labels"}, []string{"Map of string keys"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			// kube-apiserver fetches the documents in the background.
			harness.Eventually(t, "explain", func(context.Context) error {
				out := kubectl.Try(t, append([]string{"explain"}, c.args...)...)
				if out.ExitCode != 0 {
					return errors.New(out.Stderr)
				}
				text := strings.Join(strings.Fields(out.Stdout), " ")
				for _, want := range c.want {
					if !strings.Contains(text, strings.Join(strings.Fields(want), " ")) {
						return errors.New("lacks " + want + ":\n" + out.Stdout)
					}
				}
				return nil
			})
		})
	}
}
