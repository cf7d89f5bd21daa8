// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package runbooks_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// planted are secrets, each in a place where one may be.
var planted = map[string]string{
	"the JWT secret":                       "planted-jwt-0123456789abcdef0123456789abcdef",
	"the admin password":                   "planted-admin-pw-1",
	"a connection string of PostgreSQL":    "postgres://dittofs:planted-dsn-pw-2@db.example.com:5432/files?sslmode=require",
	"the password in a connection string":  "planted-dsn-pw-2",
	"the password of PostgreSQL":           "planted-pg-pw-10",
	"the bind password of LDAP":            "planted-bind-pw-3",
	"a literal in extraEnv":                "planted-env-literal-4",
	"a Secret in extraEnv":                 "planted-env-secret-5",
	"a token for metrics":                  "planted-bearer-6",
	"an annotation of somebody":            "planted-annotation-7",
	"free configuration":                   "planted-config-8",
	"the last applied configuration":       "planted-env-literal-4",
	"an event that names a password":       "planted-admin-pw-1",
	"a message with a token of somebody's": "Bearer planted-in-a-message-9",
}

const bundled = `apiVersion: dittofs.io/v1alpha1
kind: DittoServer
metadata:
  name: bundled
  annotations:
    example.com/note: planted-annotation-7
spec:
  storage: {metadataSize: 1Gi}
  database: {type: postgres, postgresSecretRef: {name: planted, key: dsn}}
  identity:
    jwt: {secretRef: {name: planted, key: jwt}}
    admin: {passwordSecretRef: {name: planted, key: admin}}
    ldap:
      enabled: true
      url: ldaps://ldap.example.com
      baseDN: dc=example,dc=com
      bindDN: cn=dfs,dc=example,dc=com
      bindPasswordSecretRef: {name: planted, key: bind}
  metrics: {enabled: true, bearerTokenSecret: {name: planted, key: bearer}}
  config:
    telemetry: {endpoint: planted-config-8}
  extraEnv:
    - {name: PLAIN, value: planted-env-literal-4}
    - {name: OF_A_SECRET, valueFrom: {secretKeyRef: {name: planted, key: env}}}
`

func TestASupportBundleHasWhatIsNeededAndNoSecret(t *testing.T) {
	namespace := cluster.Namespace(t)
	files := cluster.Subject(namespace, "bundled")
	files.PutSecret(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "planted"}, StringData: map[string]string{
		"jwt": planted["the JWT secret"], "admin": planted["the admin password"], "dsn": planted["a connection string of PostgreSQL"],
		"bind": planted["the bind password of LDAP"], "bearer": planted["a token for metrics"], "env": planted["a Secret in extraEnv"],
		"host": "db.example.com", "port": "5432", "database": "files", "username": "dittofs", "user": "dittofs", "sslmode": "disable",
		"password": planted["the password of PostgreSQL"],
	}})
	kubectl := cluster.Admin.Kubectl(namespace)
	kubectl.Stdin(bundled).Run(t, "apply", "-f", "-")
	harness.Eventually(t, "there is a pod", func(ctx context.Context) error {
		_, err := cluster.Admin.Kube.CoreV1().Pods(namespace).Get(ctx, "bundled-0", metav1.GetOptions{})
		return err
	})
	if _, err := cluster.Admin.Kube.CoreV1().Events(namespace).Create(t.Context(), &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: "leaky"}, InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "bundled-0", Namespace: namespace},
		Reason: "Leaky", Message: `login of admin with "planted-admin-pw-1" failed: Authorization: Bearer planted-in-a-message-9`,
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	output := filepath.Join(t.TempDir(), "bundle.tar.gz")
	said := bundle(t, cluster.Admin, "--output="+output, "--server="+cluster.Server.DirectConfig().Host, "--dfs-logs")
	t.Log(said)
	contents := unpack(t, output)
	for name, content := range contents {
		for where, secret := range planted {
			for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))} {
				if bytes.Contains(content, []byte(form)) {
					t.Errorf("%s is in %s", where, name)
				}
			}
		}
	}
	for name, words := range map[string][]string{
		"index.txt":                    {"could not be had", "withheld", "api/dittoservers.yaml"},
		"versions/server.json":         {`"title":"dittofs-apiserver"`},
		"api/apiservice.yaml":          {"caBundle"},
		"api/discovery.json":           {"dittoservers/credentials"},
		"api/dittoservers.yaml":        {"name: bundled", "withheld, 21 bytes", "metadataSize: 1Gi", "type: Ready"},
		"servers/statefulsets.yaml":    {"name: bundled", "config-hash", "name: PLAIN"},
		"servers/configmaps.yaml":      {"bundled-config", "telemetry"},
		"servers/secrets.txt":          {namespace + "/planted", "  jwt: 44 bytes"},
		"system/leases.yaml":           {"holderIdentity: "},
		"system/dittofs-store.yaml":    {"revision: "},
		"events/" + namespace + ".txt": {"Leaky", "[secret]"},
		"server/readyz.txt":            {"[+]dittoservers-cache ok"},
		"server/metrics.txt":           {"dittofs_store_observe_only 0"},
	} {
		for _, word := range words {
			if !strings.Contains(string(contents[name]), word) {
				t.Errorf("%s does not have %q:\n%.1500s", name, word, contents[name])
			}
		}
	}
	// No kubelet has logs here: that is noted, and the rest is there.
	if !strings.Contains(said, "bundled-0-dittofs.log") || !strings.Contains(said, "not there") {
		t.Errorf("the index does not say that a log could not be had:\n%s", said)
	}
	if info, err := os.Stat(output); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the bundle is %v: %v", info.Mode(), err)
	}
}

// Whoever may do little gets a bundle that says so.
func TestASupportBundleOfSomebodyWithoutRightsSaysWhatIsMissing(t *testing.T) {
	output := filepath.Join(t.TempDir(), "bundle.tar.gz")
	said := bundle(t, cluster.User(t, "nobody-in-particular"), "--output="+output)
	if !strings.Contains(said, "forbidden") || !strings.Contains(said, "versions/host.json") {
		t.Errorf("the index says\n%s", said)
	}
	if content := unpack(t, output)["versions/host.json"]; !bytes.Contains(content, []byte("gitVersion")) {
		t.Errorf("the version of the host is %q", content)
	}
}

func bundle(t *testing.T, user *harness.User, args ...string) string {
	t.Helper()
	binary, err := harness.Binary("dittofs-apiserver")
	if err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), binary, append([]string{"support-bundle", "--kubeconfig=" + user.Kubeconfig}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return string(said)
}

func unpack(t *testing.T, path string) map[string][]byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	zipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	contents := map[string][]byte{}
	for files := tar.NewReader(zipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return contents
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		contents[strings.TrimPrefix(header.Name, "support-bundle/")] = content
	}
}
