// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// mistake is one wrong thing in an otherwise valid object.
type mistake struct {
	name string
	// path, with dots, gets the value; nil removes it.
	path  string
	value any
	// code is 422, or 400 if the object cannot be decoded.
	code int32
	// wants are in the message: field, value and what is allowed.
	wants []string
}

type object = map[string]any

// mistakes are wrong in a new object and in a changed one alike.
var mistakes = []mistake{
	{"an unknown field", "spec.replica", int64(1), 400, []string{`unknown field "spec.replica"`}},
	{"an unknown field deep inside", "spec.identity.jwt.secret", "x", 400, []string{`unknown field "spec.identity.jwt.secret"`}},
	{"a word for a number", "spec.replicas", "one", 400, []string{"spec.replicas", "string", "int32"}},
	{"a number for a word", "spec.image", int64(5), 400, []string{"spec.image", "number", "string"}},
	{"a list for an object", "spec.storage", []any{}, 400, []string{"spec.storage", "array"}},
	{"a size that is none", "spec.storage.metadataSize", "large", 400, []string{"quantities must match"}},

	{"two replicas", "spec.replicas", int64(2), 422, []string{"spec.replicas", "Invalid value: 2", "less than or equal to 1"}},
	{"minus one replica", "spec.replicas", int64(-1), 422, []string{"spec.replicas", "Invalid value: -1", "greater than or equal to 0"}},

	{"no metadata size", "spec.storage.metadataSize", nil, 422, []string{"spec.storage.metadataSize", "Required value"}},
	{"no storage at all", "spec.storage", nil, 422, []string{"spec.storage.metadataSize", "Required value"}},
	{"a metadata size of zero", "spec.storage.metadataSize", "0", 422, []string{"spec.storage.metadataSize", `Invalid value: "0"`, "greater than zero", "10Gi"}},
	{"a negative metadata size", "spec.storage.metadataSize", "-1Gi", 422, []string{"spec.storage.metadataSize", `Invalid value: "-1Gi"`, "greater than zero"}},
	{"a negative content size", "spec.storage.contentSize", "-5Gi", 422, []string{"spec.storage.contentSize", `Invalid value: "-5Gi"`}},
	{"a control plane size of zero", "spec.storage.controlPlaneSize", "0", 422, []string{"spec.storage.controlPlaneSize", `Invalid value: "0"`}},
	{"a storage class that cannot exist", "spec.storage.storageClassName", "No_Class", 422, []string{"spec.storage.storageClassName", `"No_Class"`, "RFC 1123"}},

	{"port 0", "spec.controlPlane.port", int64(0), 422, []string{"spec.controlPlane.port", "Invalid value: 0", "greater than or equal to 1"}},
	{"port 70000", "spec.controlPlane.port", int64(70000), 422, []string{"spec.controlPlane.port", "Invalid value: 70000", "less than or equal to 65535"}},

	{"an image with spaces", "spec.image", "example/dfs v1", 422, []string{"spec.image", `"example/dfs v1"`, "without spaces", "marmos91c/dittofs"}},

	{"an empty Secret name", "spec.identity.jwt.secretRef", object{"name": "", "key": "secret"}, 422, []string{"spec.identity.jwt.secretRef.name", "Required value"}},
	{"an empty Secret key", "spec.identity.jwt.secretRef", object{"name": "jwt", "key": ""}, 422, []string{"spec.identity.jwt.secretRef.key", "Required value"}},
	{"no Secret key", "spec.identity.admin.passwordSecretRef", object{"name": "admin"}, 422, []string{"spec.identity.admin.passwordSecretRef.key", "Required value"}},
	{"a Secret name that cannot exist", "spec.database.postgresSecretRef", object{"name": "Not_A_Name"}, 422, []string{"spec.database.postgresSecretRef.name", `"Not_A_Name"`, "RFC 1123"}},
	{"a Secret key that cannot exist", "spec.identity.jwt.secretRef", object{"name": "jwt", "key": "a/b"}, 422, []string{"spec.identity.jwt.secretRef.key", `"a/b"`, "valid config key"}},

	{"a duration that is none", "spec.identity.jwt.accessTokenDuration", "soon", 422, []string{"spec.identity.jwt.accessTokenDuration", `"soon"`, "Go duration", "15m"}},
	{"a duration in days", "spec.identity.jwt.refreshTokenDuration", "7d", 422, []string{"spec.identity.jwt.refreshTokenDuration", `"7d"`, "168h"}},
	{"a duration under a minute", "spec.identity.jwt.accessTokenDuration", "1s", 422, []string{"spec.identity.jwt.accessTokenDuration", `"1s"`, "at least 1m"}},
	{"a refresh token that ends before the access token", "spec.identity.jwt",
		object{"accessTokenDuration": "2h", "refreshTokenDuration": "1h"}, 422,
		[]string{"spec.identity.jwt.refreshTokenDuration", `"1h"`, "accessTokenDuration (2h)"}},
	{"an admin of another name", "spec.identity.admin.username", "root", 422, []string{"spec.identity.admin.username", `Unsupported value: "root"`, `supported values: "admin"`}},

	{"an unknown database", "spec.database.type", "mysql", 422, []string{"spec.database.type", `Unsupported value: "mysql"`, `"postgres"`, `"sqlite"`}},
	{"a database file outside of its volume", "spec.database.sqlite", object{"path": "/tmp/x.db"}, 422, []string{"spec.database.sqlite.path", `"/tmp/x.db"`, "/data/controlplane/"}},
	{"a database file that climbs out of its volume", "spec.database.sqlite", object{"path": "/data/controlplane/../x.db"}, 422, []string{"spec.database.sqlite.path", "/data/controlplane/"}},
	{"postgres without a Secret", "spec.database", object{"type": "postgres"}, 422, []string{"spec.database.postgresSecretRef", "Required value", "host, database, user and password"}},

	{"requests over limits", "spec.resources", object{"requests": object{"memory": "2Gi"}, "limits": object{"memory": "1Gi"}}, 422,
		[]string{"spec.resources.requests[memory]", `"2Gi"`, "limit, which is 1Gi"}},
	{"a negative request", "spec.resources", object{"requests": object{"cpu": "-1"}}, 422, []string{"spec.resources.requests[cpu]", `"-1"`, "not be negative"}},
	{"a resource claim", "spec.resources", object{"claims": []any{object{"name": "gpu"}}}, 422, []string{"spec.resources.claims", "Forbidden"}},

	{"a Service of another type", "spec.service.type", "ExternalName", 422, []string{"spec.service.type", `Unsupported value: "ExternalName"`, `"ClusterIP"`, `"LoadBalancer"`, `"NodePort"`}},
	{"an annotation that cannot exist", "spec.service.annotations", object{"not a key": "x"}, 422, []string{"spec.service.annotations", "not a key"}},

	{"an unknown log level", "spec.logging.level", "LOUD", 422, []string{"spec.logging.level", `Unsupported value: "LOUD"`, `"DEBUG"`, `"ERROR"`}},
	{"an unknown log format", "spec.logging.format", "xml", 422, []string{"spec.logging.format", `Unsupported value: "xml"`, `"json"`, `"text"`}},
	{"a log outside of the volumes", "spec.logging.output", "/var/log/dfs", 422, []string{"spec.logging.output", `"/var/log/dfs"`, "stdout, stderr or a file on a volume", "/data/controlplane/"}},
	{"a log below /data that is on no volume", "spec.logging.output", "/data/dfs.log", 422, []string{"spec.logging.output", `"/data/dfs.log"`, "/data/controlplane/"}},
}

func (m mistake) put(t *testing.T, target *unstructured.Unstructured) {
	t.Helper()
	path := strings.Split(m.path, ".")
	if m.value == nil {
		unstructured.RemoveNestedField(target.Object, path...)
		return
	}
	if err := unstructured.SetNestedField(target.Object, m.value, path...); err != nil {
		t.Fatal(err)
	}
}

func TestBadInputIsNotCreated(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.Dynamic.Resource(dittoservers).Namespace(namespace)
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			server := untyped(t, harness.NewDittoServer("files"))
			m.put(t, server)
			_, err := client.Create(t.Context(), server, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
			expectRefusal(t, err, m.code, m.wants...)
			if _, err := client.Get(t.Context(), "files", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				t.Fatalf("it was stored: %v", err)
			}
		})
	}
}

func TestBadInputDoesNotReplaceGoodOne(t *testing.T) {
	namespace := cluster.Namespace(t)
	cluster.CreateDittoServer(t, namespace, "files")
	client := cluster.Admin.Dynamic.Resource(dittoservers).Namespace(namespace)
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			server, err := client.Get(t.Context(), "files", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			version := server.GetResourceVersion()
			m.put(t, server)
			_, err = client.Update(t.Context(), server, metav1.UpdateOptions{FieldValidation: metav1.FieldValidationStrict})
			expectRefusal(t, err, m.code, m.wants...)
			expectVersion(t, namespace, "files", version)
		})
	}
}

func TestNamesMustFitWhatIsDerivedFromThem(t *testing.T) {
	namespace := cluster.Namespace(t)
	cases := []struct {
		name, object string
		wants        []string
	}{
		{"48 characters", strings.Repeat("x", 48), []string{"metadata.name", strings.Repeat("x", 48), "no more than 47 characters", "Services"}},
		{"a digit in front", "1files", []string{"metadata.name", `"1files"`, "start with an alphabetic character"}},
		{"a dot", "files.example", []string{"metadata.name", `"files.example"`, "Services are named after it"}},
		{"a capital letter", "Files", []string{"metadata.name", `"Files"`, "lower case"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := cluster.Admin.DittoServers(namespace).Create(t.Context(), harness.NewDittoServer(c.object), metav1.CreateOptions{})
			expectRefusal(t, err, 422, c.wants...)
		})
	}
	cluster.CreateDittoServer(t, namespace, strings.Repeat("x", dittofsv1alpha1.MaxNameLength))
}

func TestChangesThatNoVolumeCanFollowAreRefused(t *testing.T) {
	namespace := cluster.Namespace(t)
	class := "standard"
	cluster.CreateDittoServer(t, namespace, "files", func(s *dittofsv1alpha1.DittoServer) {
		size, content := quantity("10Gi"), quantity("20Gi")
		s.Spec.Storage = dittofsv1alpha1.StorageSpec{MetadataSize: &size, ContentSize: &content, ControlPlaneSize: &size, StorageClassName: &class}
	})
	cluster.CreateDittoServer(t, namespace, "plain")
	client := cluster.Admin.Dynamic.Resource(dittoservers).Namespace(namespace)
	cases := []struct {
		object string
		mistake
	}{
		{"files", mistake{"another storage class", "spec.storage.storageClassName", "fast", 422, []string{"spec.storage.storageClassName", `"fast"`, "immutable", `it was "standard"`}}},
		{"files", mistake{"no storage class any more", "spec.storage.storageClassName", nil, 422, []string{"spec.storage.storageClassName", "immutable"}}},
		{"plain", mistake{"a storage class for the first time", "spec.storage.storageClassName", "fast", 422, []string{"spec.storage.storageClassName", `"fast"`, "immutable"}}},
		{"files", mistake{"a smaller metadata volume", "spec.storage.metadataSize", "9Gi", 422, []string{"spec.storage.metadataSize", `"9Gi"`, "must not be less", "it was 10Gi"}}},
		{"files", mistake{"a smaller content volume", "spec.storage.contentSize", "1Gi", 422, []string{"spec.storage.contentSize", `"1Gi"`, "it was 20Gi"}}},
		{"files", mistake{"a smaller control plane volume by way of the default", "spec.storage.controlPlaneSize", nil, 422, []string{"spec.storage.controlPlaneSize", `"1Gi"`, "it was 10Gi"}}},
		{"files", mistake{"no content volume any more", "spec.storage.contentSize", nil, 422, []string{"spec.storage.contentSize", "cannot be taken away", "it was 20Gi"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server, err := client.Get(t.Context(), c.object, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			version := server.GetResourceVersion()
			c.put(t, server)
			_, err = client.Update(t.Context(), server, metav1.UpdateOptions{})
			expectRefusal(t, err, c.code, c.wants...)
			expectVersion(t, namespace, c.object, version)
		})
	}
	grown := current(t, namespace, "files")
	size := quantity("30Gi")
	grown.Spec.Storage.MetadataSize, grown.Spec.Storage.ContentSize = &size, &size
	if _, err := cluster.Admin.DittoServers(namespace).Update(t.Context(), grown, metav1.UpdateOptions{}); err != nil {
		t.Errorf("growth is refused: %v", err)
	}
}

func TestTheDatabaseOfAServerThatWasSetUpStays(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	fresh := cluster.CreateDittoServer(t, namespace, "files")
	fresh.Spec.Database.SQLite.Path = "/data/controlplane/other.db"
	if _, err := client.Update(t.Context(), fresh, metav1.UpdateOptions{}); err != nil {
		t.Fatalf("before the first start anything goes: %v", err)
	}
	server := setStatus(t, namespace, "files", func(status *dittofsv1alpha1.DittoServerStatus) { status.ConfigHash = "abc" })
	moved := server.DeepCopy()
	moved.Spec.Database.SQLite.Path = "/data/controlplane/third.db"
	_, err := client.Update(t.Context(), moved, metav1.UpdateOptions{})
	expectRefusal(t, err, 422, "spec.database.sqlite.path", "third.db", "empty database", "it was /data/controlplane/other.db", dittofsv1alpha1.AnnotationAcceptEmptyDatabase)
	replaced := server.DeepCopy()
	replaced.Spec.Database = dittofsv1alpha1.DatabaseSpec{PostgresSecretRef: &dittofsv1alpha1.SecretReference{Name: "pg"}}
	_, err = client.Update(t.Context(), replaced, metav1.UpdateOptions{})
	expectRefusal(t, err, 422, "spec.database.type", "postgres", "it was sqlite")
	expectVersion(t, namespace, "files", server.ResourceVersion)

	replaced.Annotations[dittofsv1alpha1.AnnotationAcceptEmptyDatabase] = ""
	if _, err := client.Update(t.Context(), replaced, metav1.UpdateOptions{}); err != nil {
		t.Errorf("with the annotation: %v", err)
	}
}

func TestKubectlApplyShowsEveryMistakeAtOnce(t *testing.T) {
	namespace := cluster.Namespace(t)
	kubectl := cluster.Admin.Kubectl(namespace)
	manifest := `apiVersion: dittofs.io/v1alpha1
kind: DittoServer
metadata:
  name: files
spec:
  replicas: 2
  storage:
    metadataSize: -1Gi
  controlPlane:
    port: 70000
`
	message := kubectl.Stdin(manifest).Fail(t, "apply", "-f", "-")
	for _, want := range []string{"spec.replicas", "spec.storage.metadataSize", "spec.controlPlane.port"} {
		if !strings.Contains(message, want) {
			t.Errorf("the message lacks %s: %s", want, message)
		}
	}
	misspelt := strings.Replace(manifest, "replicas: 2", "replcas: 1", 1)
	if message := kubectl.Stdin(misspelt).Fail(t, "apply", "-f", "-"); !strings.Contains(message, `unknown field "spec.replcas"`) {
		t.Errorf("kubectl says %s", message)
	}
	if out := kubectl.Run(t, "get", "dittoservers", "-o", "name"); out != "" {
		t.Errorf("stored: %s", out)
	}
}
