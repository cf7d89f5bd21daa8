// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

// everything is a Ready server with whatever our controllers keep an eye on: adapters with their Services and policies of
// the network, metrics, and a snapshot policy that dfs has taken.
func everything(t *testing.T) subject {
	t.Helper()
	s := subject{cluster.Namespace(t), "files"}
	cluster.CreateDittoServer(t, s.namespace, s.name, func(server *dittofsv1alpha1.DittoServer) {
		server.Spec.Metrics = &dittofsv1alpha1.MetricsSpec{Enabled: true}
		server.Spec.AdapterServices.Type = corev1.ServiceTypeClusterIP // no load balancer to wait for
		server.Spec.SnapshotPolicies = []dittofsv1alpha1.SnapshotPolicy{{Share: "/contracts", Interval: "@daily"}}
	})
	s.awaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "SnapshotPolicyPending")
	for _, step := range []struct{ path, body string }{
		{"store/metadata", `{"name":"m","type":"memory"}`},
		{"store/block/local", `{"name":"l","type":"fs","config":"{\"path\":\"/data/content/l\"}"}`},
		{"shares", `{"name":"/contracts","metadata_store_id":"m","local_block_store":"l"}`},
	} {
		s.askDFS(t, http.MethodPost, step.path, step.body)
	}
	s.awaitReadyWithin(t, patience)
	if policies := s.get(t).Status.SnapshotPolicies; len(policies) != 1 || !policies[0].Applied {
		t.Fatalf("the snapshot policy is not applied: %+v", policies)
	}
	found := s.parts(t)
	for _, name := range []string{"services/files-metrics", "services/files-adapter-nfs", "services/files-adapter-smb"} {
		if _, ok := found[name]; !ok {
			t.Errorf("there is no %s, so that this proves less than it says: %v", name, found.names())
		}
	}
	return s
}

// askDFS calls the dfs API as an admin of it.
func (s subject) askDFS(t *testing.T, method, path, body string) {
	t.Helper()
	secret, err := cluster.Admin.Kube.CoreV1().Secrets(s.namespace).Get(t.Context(), s.name+"-jwt-secret", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := dfs.SignToken(secret.Data["jwt-secret"], dfs.Claims{Username: "test", Role: dfs.RoleAdmin, TTL: time.Minute, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprintf("%s/%s/%s/api/v1/%s", cluster.StandIn.URL, s.namespace, s.name, path), bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid([]byte(body)) {
		t.Fatalf("%s is no JSON", body)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if answer, err := io.ReadAll(response.Body); err != nil || response.StatusCode >= 300 {
		t.Fatalf("dfs says %s to %s %s: %s (%v)", response.Status, method, path, answer, err)
	}
}
