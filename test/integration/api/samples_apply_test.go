// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/utils/ptr"
)

// applyAndReadBack applies a manifest as a dry run and for good, expects every field to be stored as it is written, and
// returns what kubectl warned of.
func applyAndReadBack(t *testing.T, namespace, manifest string) []string {
	t.Helper()
	kubectl := cluster.Admin.Kubectl(namespace)
	warnings := map[string]bool{}
	for _, mode := range []string{"server", "none"} {
		out := kubectl.Stdin(manifest).Try(t, "apply", "--validate=strict", "--dry-run="+mode, "-f", "-")
		if out.ExitCode != 0 {
			t.Fatalf("apply with dry-run=%s: %s", mode, out.Stderr)
		}
		for line := range strings.Lines(out.Stderr) {
			warnings[strings.TrimSpace(line)] = true
		}
	}
	for _, document := range documentsOf(t, manifest) {
		stored := unstructured.Unstructured{}
		kind := document.GroupVersionKind().GroupKind().String()
		out := kubectl.Run(t, "get", kind, document.GetName(), "-o", "json")
		if err := json.Unmarshal([]byte(out), &stored.Object); err != nil {
			t.Fatal(err)
		}
		// What kube-apiserver stores under another name.
		unstructured.RemoveNestedField(document.Object, "stringData")
		for _, lost := range lostIn(document.Object, stored.Object, "") {
			t.Errorf("%s %s: %s", document.GetKind(), document.GetName(), lost)
		}
	}
	return slices.Sorted(maps.Keys(warnings))
}

// lostIn tells what of an object is not in the other, or is different there. A false that is not there is still false.
func lostIn(want, got any, path string) []string {
	switch want := want.(type) {
	case map[string]any:
		fields, _ := got.(map[string]any)
		var lost []string
		for name, value := range want {
			lost = append(lost, lostIn(value, fields[name], path+"."+name)...)
		}
		return lost
	case []any:
		items, _ := got.([]any)
		if len(items) != len(want) {
			return []string{fmt.Sprintf("%s is %v, want %v", path, got, want)}
		}
		var lost []string
		for i := range want {
			lost = append(lost, lostIn(want[i], items[i], fmt.Sprintf("%s[%d]", path, i))...)
		}
		return lost
	}
	if reflect.DeepEqual(want, got) || want == false && got == nil {
		return nil
	}
	return []string{fmt.Sprintf("%s is %v, want %v", path, got, want)}
}

// documentsOf are the objects of a file. What has no apiVersion is none, such as the settings of kustomize.
func documentsOf(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	var documents []*unstructured.Unstructured
	for decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096); ; {
		document := &unstructured.Unstructured{}
		err := decoder.Decode(&document.Object)
		if errors.Is(err, io.EOF) {
			return documents
		}
		if err != nil {
			t.Fatal(err)
		}
		if document.GetAPIVersion() != "" {
			documents = append(documents, document)
		}
	}
}

func asJSON(t *testing.T, document *unstructured.Unstructured) string {
	t.Helper()
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func manifestsIn(t *testing.T, directory string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(directory, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples in %s (%v)", directory, err)
	}
	return files
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// leaveSecretWithKeys makes a Secret with content of a length that nothing is wrong with.
func leaveSecretWithKeys(t *testing.T, namespace, name string, keys []string) {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: map[string]string{}}
	for _, key := range keys {
		secret.StringData[key] = strings.Repeat("x", 48)
	}
	if _, err := cluster.Admin.Kube.CoreV1().Secrets(namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// leaveStorageClass makes a class for the time of the test, unless the cluster has it.
func leaveStorageClass(t *testing.T, name string) {
	t.Helper()
	classes := cluster.Admin.Kube.StorageV1().StorageClasses()
	class := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Provisioner: "example.com/none", AllowVolumeExpansion: ptr.To(true)}
	_, err := classes.Create(t.Context(), class, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	// Refusals that other tests read list every class.
	t.Cleanup(func() {
		if err := classes.Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}
