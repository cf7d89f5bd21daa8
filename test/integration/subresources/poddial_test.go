// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package subresources_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// listener is an API that remembers who came to mounts, which no controller asks for.
type listener struct {
	*httptest.Server
	mu   sync.Mutex
	seen []*http.Request
}

func listen(t *testing.T) *listener {
	t.Helper()
	l := &listener{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if req.URL.Path == "/api/v1/mounts" {
			l.mu.Lock()
			l.seen = append(l.seen, req)
			l.mu.Unlock()
		}
		_, _ = io.WriteString(w, "[]")
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listener) requests() []*http.Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen
}

func (l *listener) port(t *testing.T) int32 {
	t.Helper()
	u, err := url.Parse(l.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseInt(u.Port(), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return int32(port)
}

// Whoever may edit the namespace can make the API Service lead anywhere, and pods of any name but the StatefulSet's own.
func TestTheProxyConnectsToThePodWhateverTheServiceSays(t *testing.T) {
	serveWith(t, "", allAccess)
	pod, elsewhere := listen(t), listen(t)
	s := subject{cluster.Namespace(t), "files"}
	cluster.CreateDittoServer(t, s.namespace, s.name, func(d *dittofsv1alpha1.DittoServer) { d.Spec.ControlPlane.Port = ptr.To(pod.port(t)) })
	core := cluster.Admin.Kube.CoreV1()
	harness.Eventually(t, "the pod has the address of our listener", func(ctx context.Context) error {
		// kwok gives addresses that lead nowhere.
		status := []byte(`{"status":{"phase":"Running","podIP":"127.0.0.1","podIPs":[{"ip":"127.0.0.1"}]}}`)
		found, err := core.Pods(s.namespace).Get(ctx, "files-0", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if found.Status.Phase != corev1.PodRunning {
			return fmt.Errorf("the pod is %s", found.Status.Phase)
		}
		if found.Status.PodIP == "127.0.0.1" {
			return nil
		}
		if _, err := core.Pods(s.namespace).Patch(ctx, "files-0", types.MergePatchType, status, metav1.PatchOptions{}, "status"); err != nil {
			return err
		}
		return fmt.Errorf("its address was %s", found.Status.PodIP)
	})
	trick := fmt.Appendf(nil, `{"spec":{"type":"ExternalName","externalName":"127.0.0.1","clusterIP":null,"clusterIPs":null,"ports":[{"name":"api","port":%d}]}}`, elsewhere.port(t))
	if _, err := core.Services(s.namespace).Patch(t.Context(), "files-api", types.MergePatchType, trick, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	user := s.somebody(t, mayProxy("get"))
	if got := send(t, user.Config, http.MethodGet, s.path("proxy/api/v1/mounts"), "", "Cookie", "a=b"); got.code != http.StatusOK {
		t.Fatalf("answered %d %s", got.code, got.body)
	}
	seen := pod.requests()
	if len(seen) != 1 || len(elsewhere.requests()) > 0 {
		t.Fatalf("the pod was asked %d times, the other %d times", len(seen), len(elsewhere.requests()))
	}
	if header := seen[0].Header; header.Get("Authorization") == "" || header.Get("Cookie") != "" || header.Get("X-Remote-User") != "" || header.Get("X-Forwarded-For") != "" {
		t.Errorf("the pod got %v", header)
	}
	t.Run("nor to a pod that only has the name", func(t *testing.T) {
		// The owner is what makes it the server's own. Without any, the StatefulSet would take the pod back.
		other, err := core.ConfigMaps(s.namespace).Get(t.Context(), "kube-root-ca.crt", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		owned := fmt.Appendf(nil, `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":%q,"uid":%q,"controller":true}]}}`, other.Name, other.UID)
		if _, err := core.Pods(s.namespace).Patch(t.Context(), "files-0", types.MergePatchType, owned, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		asked := len(pod.requests())
		harness.Eventually(t, "a pod of another owner is not asked", func(context.Context) error {
			if got := send(t, user.Config, http.MethodGet, s.path("proxy/api/v1/mounts"), ""); got.code != http.StatusServiceUnavailable {
				return fmt.Errorf("answered %d %s", got.code, got.body)
			}
			return nil
		})
		if more := len(pod.requests()) - asked; more > 0 {
			t.Errorf("it was asked %d times", more)
		}
	})
}
