// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
	"github.com/dittofs/dittofs-apiserver/test/standin"
)

// BreakDFS gives the dfs of the server a fault until MendDFS.
func (s Subject) BreakDFS(t *testing.T, fault standin.Fault) {
	t.Helper()
	s.control(t, http.MethodPost, "faults", fault)
}

// MendDFS ends a fault.
func (s Subject) MendDFS(t *testing.T) {
	t.Helper()
	s.control(t, http.MethodDelete, "faults", nil)
}

// CountDFSAnew forgets the requests that the dfs API got until now.
func (s Subject) CountDFSAnew(t *testing.T) {
	t.Helper()
	s.control(t, http.MethodDelete, "requests", nil)
}

// DFSRequests counts what the dfs API got, by status and path.
func (s Subject) DFSRequests(t *testing.T) (total int, list []standin.RequestCount) {
	t.Helper()
	if err := json.Unmarshal(s.control(t, http.MethodGet, "requests", nil), &list); err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		total += r.Count
	}
	return total, list
}

// DFS is what the stand-in knows of the dfs process in the pod that is there now.
func (s Subject) DFS(ctx context.Context) (standin.ServerStatus, error) {
	pod, err := s.Cluster.Admin.Kube.CoreV1().Pods(s.Namespace).Get(ctx, s.Name+"-0", metav1.GetOptions{})
	if err != nil {
		return standin.ServerStatus{}, err
	}
	answer, _, err := s.Cluster.askStandIn(ctx, http.MethodGet, "/_standin/servers", "", nil)
	if err != nil {
		return standin.ServerStatus{}, err
	}
	var servers []standin.ServerStatus
	if err := json.Unmarshal(answer, &servers); err != nil {
		return standin.ServerStatus{}, err
	}
	for _, server := range servers {
		if server.PodUID == string(pod.UID) {
			return server, nil
		}
	}
	return standin.ServerStatus{}, fmt.Errorf("the stand-in does not know pod %s yet", pod.UID)
}

// AwaitDFS waits until dfs runs in the pod that is there now.
func (s Subject) AwaitDFS(t *testing.T) (status standin.ServerStatus) {
	t.Helper()
	Eventually(t, "dfs runs in the pod of "+s.Name, func(ctx context.Context) (err error) {
		if status, err = s.DFS(ctx); err == nil && status.State != standin.StateRunning {
			err = fmt.Errorf("it is %s: %s", status.State, status.Reason)
		}
		return err
	})
	return status
}

// CallDFS sends a request to the dfs API of a server without TLS as an admin of it, by whom it is asked for files: not
// through our server. Any answer but a success fails the test.
func (s Subject) CallDFS(t *testing.T, method, path string, body any) []byte {
	t.Helper()
	key := render.JWTSecret(s.Get(t))
	secret, err := s.Cluster.Admin.Kube.CoreV1().Secrets(s.Namespace).Get(t.Context(), key.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := dfs.SignToken(secret.Data[key.Key], dfs.Claims{Username: "tester", Role: dfs.RoleAdmin, TTL: time.Minute, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return s.ask(t, method, "/"+s.Namespace+"/"+s.Name+path, token, body)
}

// LogInToDFS returns the answer to a login with a password, and its status.
func (s Subject) LogInToDFS(t *testing.T, username, password string) (answer []byte, status int) {
	t.Helper()
	answer, status, err := s.Cluster.askStandIn(t.Context(), http.MethodPost, "/"+s.Namespace+"/"+s.Name+"/api/v1/auth/login", "",
		map[string]string{"username": username, "password": password})
	if err != nil {
		t.Fatal(err)
	}
	return answer, status
}

// CallDFSAs is CallDFS with a token that dfs has issued.
func (s Subject) CallDFSAs(t *testing.T, token, method, path string, body any) []byte {
	t.Helper()
	return s.ask(t, method, "/"+s.Namespace+"/"+s.Name+path, token, body)
}

// ReachDFS asks a server that speaks TLS for its health, as a caller with that configuration.
func (s Subject) ReachDFS(ctx context.Context, config *tls.Config) error {
	url := strings.Replace(s.Cluster.StandIn.URL, "http:", "https:", 1) + "/" + s.Namespace + "/" + s.Name + "/health"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := (&http.Transport{TLSClientConfig: config, DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// control calls the stand-in about one server: "faults" or "requests".
func (s Subject) control(t *testing.T, method, what string, body any) []byte {
	t.Helper()
	return s.ask(t, method, "/_standin/"+what+"/"+s.Namespace+"/"+s.Name, "", body)
}

func (s Subject) ask(t *testing.T, method, path, token string, body any) []byte {
	t.Helper()
	answer, status, err := s.Cluster.askStandIn(t.Context(), method, path, token, body)
	if err != nil || status >= 300 {
		t.Fatalf("the stand-in says %d to %s %s: %s (%v)", status, method, path, answer, err)
	}
	return answer
}

func (c *Cluster) askStandIn(ctx context.Context, method, path, token string, body any) (answer []byte, status int, err error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, 0, err
	}
	request, err := http.NewRequestWithContext(ctx, method, c.StandIn.URL+path, bytes.NewReader(data))
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	// Not through a proxy, which is for the world.
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return answer, response.StatusCode, err
}
