// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package scenarios_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
	"github.com/dittofs/dittofs-apiserver/test/standin/certs"
)

// The DittoFS operator has no certificate to show, and locks itself out.
func TestScenario11AServerThatAsksCallersForACertificateIsReady(t *testing.T) {
	t.Parallel()
	s := cluster.Subject(cluster.Namespace(t), "files")
	own, callers := certs.NewAuthority(t), certs.NewAuthority(t)
	name := "files-api." + s.Namespace + ".svc"
	for secret, data := range map[string]map[string]string{
		"api": own.Leaf(nil, name), "callers": {certs.CAKey: callers.PEM}, "controller": callers.Leaf(nil, "controller"),
	} {
		s.PutSecret(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: secret}, StringData: data})
	}
	s.Create(t, func(server *dittofsv1alpha1.DittoServer) {
		server.Spec.ControlPlane.CertSecretName = "api"
		server.Spec.ControlPlane.ClientCASecretName = "callers"
		server.Spec.ControlPlane.ClientCertSecretName = "controller"
	})
	s.AwaitReady(t)
	s.AwaitCondition(t, dittofsv1alpha1.ConditionAuthenticated, metav1.ConditionTrue, "TokenAccepted")
	if api := s.Get(t).Status.Endpoints.API; !strings.HasPrefix(api, "https://") {
		t.Errorf("the status says that the API is at %s", api)
	}
	// The kubelet has no certificate to show either.
	for probe, handler := range map[string]*corev1.Probe{
		"startup": s.Pod(t).Spec.Containers[0].StartupProbe, "readiness": s.Pod(t).Spec.Containers[0].ReadinessProbe,
	} {
		if handler == nil || handler.TCPSocket == nil {
			t.Errorf("the %s probe does not just open a connection: %+v", probe, handler)
		}
	}
	expectLockedDoor(t, s, &tls.Config{ServerName: name, RootCAs: own.Pool()})
}

// expectLockedDoor fails the test if the API answers a caller who shows no certificate: then nothing was proven.
func expectLockedDoor(t *testing.T, s harness.Subject, config *tls.Config) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		strings.Replace(cluster.StandIn.URL, "http:", "https:", 1)+"/"+s.Namespace+"/"+s.Name+"/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Transport{TLSClientConfig: config, DisableKeepAlives: true}).RoundTrip(request)
	if err == nil {
		response.Body.Close()
		t.Errorf("a caller without a certificate is answered: %s", response.Status)
	}
	if alert := dfs.TLSAlert(err); !strings.Contains(alert, "certificate required") {
		t.Errorf("the caller was not refused for the lack of a certificate: %v", err)
	}
}
