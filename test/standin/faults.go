// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Modes of a Fault.
const (
	FaultDown         = "down"          // connections are closed without an answer
	FaultHang         = "hang"          // no answer until the client gives up or the fault is cleared
	FaultError500     = "error500"      // an empty 500, as after a recovered panic
	FaultRefuse       = "refuse"        // Status, with a detail that says so
	FaultSlow         = "slow"          // the answer comes after Delay
	FaultDatabaseDown = "database-down" // /health says degraded, logins fail, a start fails
	FaultAdapterDown  = "adapter-down"  // the check of Adapter fails, though it runs
)

// Fault is something that goes wrong with one server until it is cleared. It may be set before the server exists.
type Fault struct {
	Mode string `json:"mode"`
	// Path limits down, hang, error500, refuse and slow to paths that begin with it, such as /api/v1/adapters.
	Path string `json:"path,omitempty"`
	// Status is what refuse answers, 400 to 499.
	Status int `json:"status,omitempty"`
	// Delay is a Go duration, for slow.
	Delay string `json:"delay,omitempty"`
	// Adapter is nfs or smb, for adapter-down.
	Adapter string `json:"adapter,omitempty"`
}

type activeFault struct {
	Fault
	delay   time.Duration
	cleared chan struct{} // closed when the fault is cleared or replaced
}

// SetFault breaks a server, in place of the fault it had.
func (s *Server) SetFault(namespace, name string, f Fault) error {
	active := &activeFault{Fault: f, cleared: make(chan struct{})}
	switch f.Mode {
	case FaultDown, FaultHang, FaultError500, FaultDatabaseDown:
	case FaultSlow:
		var err error
		if active.delay, err = time.ParseDuration(f.Delay); err != nil || active.delay <= 0 {
			return fmt.Errorf("delay %q: mode slow needs a positive Go duration, such as 2s", f.Delay)
		}
	case FaultRefuse:
		if f.Status < 400 || f.Status > 499 {
			return fmt.Errorf("status %d: mode refuse needs one of 400 to 499", f.Status)
		}
	case FaultAdapterDown:
		if protocol(f.Adapter) == "" {
			return fmt.Errorf("adapter %q: mode adapter-down needs nfs or smb", f.Adapter)
		}
	default:
		return fmt.Errorf("mode %q: supported are down, hang, error500, refuse, slow, database-down and adapter-down", f.Mode)
	}
	if f.Path != "" && !strings.HasPrefix(f.Path, "/") {
		return errors.New("path must begin with /")
	}
	s.replaceFault(serverKey{namespace, name}, active)
	return nil
}

// ClearFault mends a server. Requests that hang get their answer.
func (s *Server) ClearFault(namespace, name string) {
	s.replaceFault(serverKey{namespace, name}, nil)
}

func (s *Server) replaceFault(key serverKey, f *activeFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.faults[key]; old != nil {
		close(old.cleared)
	}
	if f == nil {
		delete(s.faults, key)
	} else {
		s.faults[key] = f
	}
	s.notify()
}

// faultFor returns the fault that a request runs into before it reaches the server.
func (s *Server) faultFor(key serverKey, path string) *activeFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.faults[key]; f != nil && strings.HasPrefix(path, f.Path) {
		return f
	}
	return nil
}

// environment is what the faults of a server change around it.
func (s *Server) environment(key serverKey) conditions {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.faults[key]
	if f == nil {
		return conditions{}
	}
	c := conditions{databaseDown: f.Mode == FaultDatabaseDown}
	if f.Mode == FaultAdapterDown {
		c.brokenAdapter = f.Adapter
	}
	return c
}

// apply returns true when the request is done with.
func (f *activeFault) apply(w http.ResponseWriter, r *http.Request, status *int) bool {
	switch f.Mode {
	case FaultDown:
		panic(http.ErrAbortHandler)
	case FaultHang:
		select {
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		case <-f.cleared:
		}
	case FaultSlow:
		timer := time.NewTimer(f.delay)
		defer timer.Stop()
		select {
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		case <-timer.C:
		case <-f.cleared:
		}
	case FaultError500:
		*status = http.StatusInternalServerError
		panicked().write(w)
		return true
	case FaultRefuse:
		*status = f.Status
		problem(f.Status, "refused by the fault of a test").write(w)
		return true
	}
	return false
}
