// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
	"github.com/dittofs/dittofs-apiserver/test/standin"
)

// control calls the stand-in about one server: "faults" or "requests".
func (s subject) control(t *testing.T, method, what string, body any) []byte {
	t.Helper()
	base := cluster.StandIn.URL
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, base+"/_standin/"+what+"/"+s.namespace+"/"+s.name, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	// Not through a proxy, which is for the world.
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		t.Fatalf("the stand-in says %s to %s %s: %s (%v)", response.Status, method, what, answer, err)
	}
	return answer
}

func (s subject) breakDFS(t *testing.T, fault standin.Fault) {
	t.Helper()
	s.control(t, http.MethodPost, "faults", fault)
}

func (s subject) mendDFS(t *testing.T) {
	t.Helper()
	s.control(t, http.MethodDelete, "faults", nil)
}

// countAnew forgets the requests that the dfs API got until now.
func (s subject) countAnew(t *testing.T) {
	t.Helper()
	s.control(t, http.MethodDelete, "requests", nil)
}

// requests counts what the dfs API got, by status and path.
func (s subject) requests(t *testing.T) (total int, list []standin.RequestCount) {
	t.Helper()
	if err := json.Unmarshal(s.control(t, http.MethodGet, "requests", nil), &list); err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		total += r.Count
	}
	return total, list
}

// awaitDFS waits until the stand-in runs the process of the pod that is there now.
func (s subject) awaitDFS(t *testing.T) {
	t.Helper()
	uid := string(s.pod(t).UID)
	base := cluster.StandIn.URL
	harness.Eventually(t, "dfs runs in the new pod", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/_standin/servers", nil)
		if err != nil {
			return err
		}
		response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		var servers []standin.ServerStatus
		if err := json.NewDecoder(response.Body).Decode(&servers); err != nil {
			return err
		}
		for _, server := range servers {
			if server.PodUID == uid {
				return equal(server.State, standin.StateRunning)
			}
		}
		return errors.New("the stand-in does not know the pod yet")
	})
}
