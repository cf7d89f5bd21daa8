// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package secretaccess

import (
	"errors"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/warning"
	clienttesting "k8s.io/client-go/testing"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

type recorder struct{ texts []string }

func (r *recorder) AddWarning(_, text string) { r.texts = append(r.texts, text) }

func jwt(value string) *corev1.Secret {
	s := secret("jwt")
	s.Data = map[string][]byte{"k": []byte(value)}
	return s
}

func TestSecretsThatWillNotDoAreWarnedOf(t *testing.T) {
	const weak = "this-is-the-weak-value"
	strong := jwt(strings.Repeat("s", 32))
	others := []runtime.Object{secret("admin"), secret("pg")}
	withBackup := func(s *dittofsv1alpha1.DittoServer) {
		percona(s)
		s.Spec.Percona.Backup = &dittofsv1alpha1.PerconaBackupSpec{CredentialsSecretRef: &dittofsv1alpha1.LocalSecretReference{Name: "s3"}}
	}
	withIngress := func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.ControlPlane.Ingress = &dittofsv1alpha1.IngressSpec{Host: "files.example.com", TLSSecretName: "files-tls"}
	}
	for name, c := range map[string]struct {
		server, old *dittofsv1alpha1.DittoServer
		there       []runtime.Object
		denied      string
		want        []string
	}{
		"all is well":                         {server: server(), there: append(others, strong)},
		"missing Secrets are named":           {server: server(), there: others[:1], want: []string{`spec.identity.jwt.secretRef: missing Secret "jwt" in namespace team: the server waits for it`, `spec.database.postgresSecretRef: missing Secret "pg" in namespace team: the server waits for it`}},
		"on a change too":                     {server: server(image), old: server(), there: append(others[1:], strong), want: []string{`spec.identity.admin.passwordSecretRef: missing Secret "admin" in namespace team: the server waits for it`}},
		"a short JWT secret":                  {server: server(), there: append(others, jwt(weak)), want: []string{`spec.identity.jwt.secretRef: key "k" of Secret "jwt" is shorter than 32 bytes: the server does not start with it`}},
		"a JWT Secret without the key":        {server: server(), there: append(others, secret("jwt")), want: []string{`spec.identity.jwt.secretRef.key: Secret "jwt" has no key "k": the server waits for it`}},
		"the credentials of backups":          {server: server(withBackup), there: append(others, strong), want: []string{`spec.percona.backup.credentialsSecretRef: missing Secret "s3" in namespace team: PostgreSQL waits for it`}},
		"a Secret for the image":              {server: server(pulled), there: append(others, strong), want: []string{`spec.imagePullSecrets[0]: missing Secret "registry" in namespace team: the image is pulled without it`}},
		"the certificate of the Ingress":      {server: server(withIngress), there: append(others, strong), want: []string{`spec.controlPlane.ingress.tlsSecretName: missing Secret "files-tls" in namespace team: the server and its Ingress are made all the same, and the ingress controller has no certificate for the host until then`}},
		"what is generated is not missed":     {server: plain(percona)},
		"who may not read them hears nothing": {server: server(), denied: "pg"},
	} {
		t.Run(name, func(t *testing.T) {
			host, heard := newHost(t, c.there...), &recorder{}
			host.denied = c.denied
			err := host.plugin(t).Validate(warning.WithWarningRecorder(t.Context(), heard), attributes(c.server, c.old), nil)
			if (err != nil) != (c.denied != "") {
				t.Fatal(err)
			}
			if !slices.Equal(heard.texts, c.want) {
				t.Errorf("got %q, want %q", heard.texts, c.want)
			}
			if strings.Contains(strings.Join(heard.texts, ""), weak) {
				t.Error("a warning tells the value")
			}
			for _, action := range host.client.Actions() {
				if get, ok := action.(clienttesting.GetAction); c.denied != "" || !ok || get.GetName() != "jwt" {
					t.Errorf("the content of something was read: %v", action)
				}
			}
		})
	}
}

func TestAHostThatDoesNotAnswerCostsWarningsOnly(t *testing.T) {
	host, heard := newHost(t), &recorder{}
	host.metadata.PrependReactor("get", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("host is away")
	})
	// On an update of named references no look-up decides anything.
	err := host.plugin(t).Validate(warning.WithWarningRecorder(t.Context(), heard), attributes(server(image), server()), nil)
	if err != nil || len(heard.texts) > 0 {
		t.Errorf("got %v, %q", err, heard.texts)
	}
}

func pulled(s *dittofsv1alpha1.DittoServer) {
	s.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "registry"}}
}
