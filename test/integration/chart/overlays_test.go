// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// objectsOf are the objects of a manifest by "Kind namespace/name", without what only Helm reads.
func objectsOf(t *testing.T, manifest string) map[string]map[string]any {
	t.Helper()
	objects := map[string]map[string]any{}
	for decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifest), 4096); ; {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(object.Object) == 0 {
			continue
		}
		annotations := object.GetAnnotations()
		delete(annotations, "helm.sh/resource-policy")
		object.SetAnnotations(annotations)
		if len(annotations) == 0 {
			unstructured.RemoveNestedField(object.Object, "metadata", "annotations")
		}
		key := object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
		if _, twice := objects[key]; twice {
			t.Errorf("%s is there twice", key)
		}
		objects[key] = object.Object
	}
}

func TestTheChartRendersWhatTheOverlaysBuild(t *testing.T) {
	production := "--values=" + chart + "/production.yaml"
	cases := []struct {
		name, overlay string
		components    []string
		args          []string
	}{
		{name: "the defaults are quickstart", overlay: "quickstart"},
		{name: "quickstart with its backup", overlay: "quickstart", components: []string{"backup"}, args: []string{"--set=backup.enabled=true"}},
		{name: "quickstart with monitoring", overlay: "quickstart", components: []string{"monitoring"}, args: []string{"--set=monitoring.enabled=true"}},
		{name: "production", overlay: "production", args: []string{production}},
		{name: "production with everything", overlay: "production",
			components: []string{"backup", "cert-manager", "generate-credentials", "monitoring"},
			args:       []string{production, "--set=backup.enabled=true,etcd.certManager=true,generateCredentials=true,monitoring.enabled=true"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want := objectsOf(t, built(t, c.overlay, c.components...))
			got := objectsOf(t, rendered(t, theNamespace, append(c.args, "--set=namespace.create=true", "--set="+placeholder)...))
			if len(want) < 20 {
				t.Fatalf("kustomize builds %d objects only", len(want))
			}
			for key, object := range want {
				if got[key] == nil {
					t.Errorf("the chart has no %s", key)
				} else if diff := cmp.Diff(object, got[key]); diff != "" {
					t.Errorf("%s, - as kustomize builds it, + as the chart renders it:\n%s", key, diff)
				}
			}
			for key := range got {
				if want[key] == nil {
					t.Errorf("only the chart has %s", key)
				}
			}
		})
	}
}

// What would be lost with an object stays at an uninstall.
func TestWhatHoldsDataIsKeptAtAnUninstall(t *testing.T) {
	manifest := rendered(t, theNamespace, "--set=backup.enabled=true", "--set=namespace.create=true")
	for document := range strings.SplitSeq(manifest, "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
			t.Fatal(err)
		}
		kept := object.GetAnnotations()["helm.sh/resource-policy"] == "keep"
		holds := object.GetKind() == "PersistentVolumeClaim" || object.GetKind() == "Namespace"
		if kept != holds {
			t.Errorf("%s %s: kept is %t, want %t", object.GetKind(), object.GetName(), kept, holds)
		}
	}
}

func TestAnotherNamespaceIsUsedThroughout(t *testing.T) {
	manifest := rendered(t, "elsewhere", "--values="+chart+"/production.yaml",
		"--set=backup.enabled=true,etcd.certManager=true,generateCredentials=true,monitoring.enabled=true,namespace.create=true")
	for number, line := range strings.Split(manifest, "\n") {
		// The dashboard and alerts say where things are by default in nothing that is evaluated.
		if strings.Contains(line, theNamespace) {
			t.Errorf("line %d names %s: %s", number+1, theNamespace, line)
		}
	}
}
