// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// States of a server.
const (
	StateRunning  = "Running"  // it answers
	StateNotReady = "NotReady" // its process runs and its pod is not Ready
	StateLoopback = "Loopback" // it runs and listens on the loopback of its pod only
	StateFailed   = "Failed"   // it did not start; Reason says why
)

// ServerStatus is what the stand-in knows of one server. It holds no secret.
type ServerStatus struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Pod       string   `json:"pod"`
	PodUID    string   `json:"podUID"`
	State     string   `json:"state"`
	Reason    string   `json:"reason,omitempty"`
	Starts    int      `json:"starts"` // attempts with this pod
	Database  string   `json:"database,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
}

// Servers lists the servers that have a pod, sorted by namespace and name.
func (s *Server) Servers() []ServerStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []ServerStatus{}
	for key, v := range s.servers {
		st := ServerStatus{Namespace: key.namespace, Name: key.name, Pod: v.podName, PodUID: v.podUID,
			State: StateRunning, Reason: v.failure, Starts: v.boots, Warnings: v.warnings}
		if v.process != nil {
			st.Database = v.process.db.key
		}
		switch {
		case v.process == nil:
			st.State = StateFailed
		case !v.ready:
			st.State = StateNotReady
		case v.process.loopback:
			st.State = StateLoopback
		}
		out = append(out, st)
	}
	slices.SortFunc(out, func(a, b ServerStatus) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// RequestCount is how often a server got a request and how it was answered. Status 0: closed without an answer.
type RequestCount struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Status int    `json:"status"`
	Count  int    `json:"count"`
}

type requestKey struct {
	method, path string
	status       int
}

// maxCountedPaths bounds the memory of the counters of one server; what comes beyond is counted under the path "...".
const maxCountedPaths = 1000

func (s *Server) count(key serverKey, method, path string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := s.requests[key]
	if counts == nil {
		counts = map[requestKey]int{}
		s.requests[key] = counts
	}
	rk := requestKey{method, path, status}
	if _, known := counts[rk]; !known && len(counts) >= maxCountedPaths {
		rk.path = "..."
	}
	counts[rk]++
}

// Requests lists what a server was asked since the last ResetRequests, with or without a pod.
func (s *Server) Requests(namespace, name string) []RequestCount {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []RequestCount{}
	for k, n := range s.requests[serverKey{namespace, name}] {
		out = append(out, RequestCount{k.method, k.path, k.status, n})
	}
	slices.SortFunc(out, func(a, b RequestCount) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method), cmp.Compare(a.Status, b.Status))
	})
	return out
}

// ResetRequests starts counting anew.
func (s *Server) ResetRequests(namespace, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, serverKey{namespace, name})
}

// serveControl answers what tests and people ask about the stand-in itself.
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	segments := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, "/_standin"), "/"), "/")
	switch {
	case r.Method == http.MethodGet && len(segments) == 1 && segments[0] == "healthz":
		s.mu.Lock()
		synced := s.synced
		s.mu.Unlock()
		if !synced {
			plain(http.StatusServiceUnavailable, "the pods are not known yet").write(w)
			return
		}
		plain(http.StatusOK, "ok").write(w)
	case r.Method == http.MethodGet && len(segments) == 1 && segments[0] == "servers":
		ok(s.Servers()).write(w)
	case len(segments) == 3 && segments[0] == "requests":
		s.serveRequests(w, r, segments[1], segments[2])
	case len(segments) == 3 && segments[0] == "faults":
		s.serveFaults(w, r, segments[1], segments[2])
	default:
		plain(http.StatusNotFound, "GET /_standin/healthz, GET /_standin/servers, GET|DELETE /_standin/requests/NAMESPACE/NAME, GET|POST|DELETE /_standin/faults/NAMESPACE/NAME").write(w)
	}
}

func (s *Server) serveRequests(w http.ResponseWriter, r *http.Request, namespace, name string) {
	switch r.Method {
	case http.MethodGet:
		ok(s.Requests(namespace, name)).write(w)
	case http.MethodDelete:
		s.ResetRequests(namespace, name)
		noContent().write(w)
	default:
		answer{status: http.StatusMethodNotAllowed}.write(w)
	}
}

func (s *Server) serveFaults(w http.ResponseWriter, r *http.Request, namespace, name string) {
	switch r.Method {
	case http.MethodGet:
		s.mu.Lock()
		f := s.faults[serverKey{namespace, name}]
		s.mu.Unlock()
		if f == nil {
			notFound("no fault is set").write(w)
			return
		}
		ok(f.Fault).write(w)
	case http.MethodPost:
		var f Fault
		body, err := readBody(r)
		if err == nil {
			err = json.Unmarshal(body, &f)
		}
		if err == nil {
			err = s.SetFault(namespace, name, f)
		}
		if err != nil {
			badRequest("%v", err).write(w)
			return
		}
		ok(f).write(w)
	case http.MethodDelete:
		s.ClearFault(namespace, name)
		noContent().write(w)
	default:
		answer{status: http.StatusMethodNotAllowed}.write(w)
	}
}
