// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// sampleParts are what the sample becomes.
var sampleParts = []string{
	"configmaps/files-config",
	"persistentvolumeclaims/content-files-0",
	"persistentvolumeclaims/controlplane-files-0",
	"persistentvolumeclaims/metadata-files-0",
	"pods/files-0",
	"secrets/files-admin-bootstrap-credentials",
	"secrets/files-jwt-secret",
	"services/files-adapter-nfs",
	"services/files-adapter-smb",
	"services/files-api",
	"services/files-headless",
	"statefulsets/files",
}

// sampleData is what is left of it after a delete.
var sampleData = []string{
	"persistentvolumeclaims/content-files-0",
	"persistentvolumeclaims/controlplane-files-0",
	"persistentvolumeclaims/metadata-files-0",
	"secrets/files-admin-bootstrap-credentials",
	"secrets/files-jwt-secret",
}

func TestTheSampleBecomesReadyAndItsPartsAreAsPromised(t *testing.T) {
	t.Parallel()
	s := sample(t, cluster.Namespace(t))
	s.awaitReady(t)
	server, found := s.get(t), s.parts(t)
	if got := found.names(); !slices.Equal(got, sampleParts) {
		t.Errorf("the parts are %v, want %v", got, sampleParts)
	}
	for name, part := range found {
		for _, owner := range part.OwnerReferences {
			if strings.Contains(owner.APIVersion, "dittofs") {
				t.Errorf("%s has an ownerReference to %s %s: the garbage collector would delete it with our store", name, owner.Kind, owner.Name)
			}
		}
		want := map[string]string{dittofsv1alpha1.LabelApp: "dittofs-server", dittofsv1alpha1.LabelInstance: "files"}
		switch {
		case strings.HasPrefix(name, "persistentvolumeclaims/"):
		case strings.HasPrefix(name, "pods/"):
			want[dittofsv1alpha1.LabelManagedBy], want[dittofsv1alpha1.LabelServer] = "dittofs-apiserver", "files"
		default:
			want[dittofsv1alpha1.LabelManagedBy], want[dittofsv1alpha1.LabelServer] = "dittofs-apiserver", "files"
			want[dittofsv1alpha1.LabelServerUID] = string(server.UID)
		}
		if adapter, ok := strings.CutPrefix(name, "services/files-adapter-"); ok {
			want["dittofs.io/adapter-service"], want["dittofs.io/adapter-type"] = "true", adapter
		}
		for key, value := range want {
			if part.Labels[key] != value {
				t.Errorf("%s has label %s=%q, want %q", name, key, part.Labels[key], value)
			}
		}
		for key := range part.Labels {
			// The StatefulSet controller adds its own to the pod.
			if _, ok := want[key]; !ok && !strings.Contains(key, "kubernetes.io/") && key != "controller-revision-hash" {
				t.Errorf("%s has the label %s, which nobody promised", name, key)
			}
		}
	}
	claims, err := cluster.Admin.Kube.CoreV1().PersistentVolumeClaims(s.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]string{}
	for _, claim := range claims.Items {
		sizes[claim.Name] = fmt.Sprint(claim.Status.Phase, " ", claim.Status.Capacity.Storage())
	}
	want := map[string]string{"metadata-files-0": "Bound 1Gi", "content-files-0": "Bound 10Gi", "controlplane-files-0": "Bound 1Gi"}
	if fmt.Sprint(sizes) != fmt.Sprint(want) {
		t.Errorf("the claims are %v, want %v", sizes, want)
	}
	if status := server.Status; status.Phase != dittofsv1alpha1.PhaseRunning || status.Replicas != 1 || status.ReadyReplicas != 1 ||
		status.ObservedGeneration != server.Generation || status.ConfigHash == "" {
		t.Errorf("the status is %+v", status)
	}
}

func TestSecretValuesAppearNowhereElse(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	secrets, err := cluster.Admin.Kube.CoreV1().Secrets(s.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, secret := range secrets.Items {
		for key, value := range secret.Data {
			if key != "username" {
				values = append(values, string(value), base64.StdEncoding.EncodeToString(value))
			}
		}
	}
	if len(values) != 4 {
		t.Fatalf("found %d forms of secret values, want those of a JWT secret and a password", len(values))
	}
	places := map[string]any{
		"the DittoServer": s.get(t), "the ConfigMap": s.config(t), "the StatefulSet": s.statefulSet(t), "the pod": s.pod(t),
		"the events": events(t, s.namespace), "the log of our server": serverLog(t),
	}
	for place, content := range places {
		text, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) < 100 {
			t.Errorf("%s cannot have been looked at: %s", place, text)
		}
		for _, value := range values {
			if strings.Contains(string(text), value) {
				t.Errorf("%s holds the value of a Secret", place)
			}
		}
	}
	if !slices.ContainsFunc(events(t, s.namespace), func(e corev1.Event) bool { return e.Reason == "ServerReady" }) {
		t.Error("no event says that the server is ready")
	}
}
