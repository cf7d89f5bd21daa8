// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package scenarios_test

import (
	"crypto/tls"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
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
	// Without the lock nothing was proven.
	err := s.ReachDFS(t.Context(), &tls.Config{ServerName: name, RootCAs: own.Pool()})
	if alert := dfs.TLSAlert(err); !strings.Contains(alert, "certificate required") {
		t.Errorf("the answer to a caller without a certificate is %v", err)
	}
}
