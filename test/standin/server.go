// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package standin is a stand-in for DittoFS servers in clusters whose pods run nothing, as kwok's. In go the Pods,
// Secrets, ConfigMaps and claims of a cluster; out comes, under /NAMESPACE/NAME/, the REST API that DittoFS v0.29.0 would
// serve there, with its refusals and oddities. It never writes to the cluster and never serves files over NFS or SMB.
package standin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/workqueue"
)

// Options is what a Server needs.
type Options struct {
	// Client reads Pods, Secrets, ConfigMaps, Services and PersistentVolumeClaims.
	Client kubernetes.Interface
	// Logger receives boots, refusals to boot and warnings, never a secret. Default: none.
	Logger *slog.Logger
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// KeptDatabases gives each database the identity that follows from where it is, as if it had been there before us.
	KeptDatabases bool
	// RetryMin and RetryMax bound the time between two attempts to start a server that does not start, as the kubelet's
	// back-off does. Default 1 s and 30 s.
	RetryMin, RetryMax time.Duration
}

// Server is any number of virtual DittoFS servers behind one handler.
type Server struct {
	client kubernetes.Interface
	log    *slog.Logger
	now    func() time.Time
	queue  workqueue.TypedRateLimitingInterface[serverKey]
	// keptDatabases: see Options.
	keptDatabases bool

	mu        sync.Mutex
	synced    bool
	servers   map[serverKey]*virtual
	databases map[string]*database
	faults    map[serverKey]*activeFault
	requests  map[serverKey]map[requestKey]int
	changed   chan struct{} // closed and replaced at every change of the above but requests
}

// serverKey names a virtual server: the namespace and the label "instance" of its pod.
type serverKey struct{ namespace, name string }

func (k serverKey) String() string { return k.namespace + "/" + k.name }

// virtual is what is known of one server. A process lives as long as its pod; what it wrote lives in its database.
type virtual struct {
	podName, podUID string
	restarts        int32
	ready           bool     // the pod is Ready
	process         *process // nil when it did not start
	failure         string   // why it did not start
	boots           int
	warnings        []string
}

// New returns a Server. It serves nothing before Run has seen the cluster.
func New(opts Options) (*Server, error) {
	if opts.Client == nil {
		return nil, errors.New("standin: Options.Client is required")
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.RetryMin <= 0 {
		opts.RetryMin = time.Second
	}
	if opts.RetryMax < opts.RetryMin {
		opts.RetryMax = max(opts.RetryMin, 30*time.Second)
	}
	return &Server{
		client: opts.Client,
		log:    opts.Logger,
		now:    opts.Now,

		keptDatabases: opts.KeptDatabases,

		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[serverKey](opts.RetryMin, opts.RetryMax)),
		servers:   map[serverKey]*virtual{},
		databases: map[string]*database{},
		faults:    map[serverKey]*activeFault{},
		requests:  map[serverKey]map[requestKey]int{},
		changed:   make(chan struct{}),
	}, nil
}

// ServeHTTP answers /NAMESPACE/NAME/... as that server would, and /_standin/... about the stand-in itself. In
// /NAMESPACE/NAME:PORT/... nobody answers at a port that the process does not listen on.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/_standin" || strings.HasPrefix(r.URL.Path, "/_standin/") {
		s.serveControl(w, r)
		return
	}
	// The router of dfs matches the escaped path when there is one, so an escaped slash stays within its segment.
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	namespace, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	name, rest, _ := strings.Cut(rest, "/")
	name, port, _ := strings.Cut(name, ":")
	if namespace == "" || name == "" {
		http.Error(w, "the stand-in serves /NAMESPACE/NAME/..., /NAMESPACE/NAME:PORT/... and /_standin/...", http.StatusNotFound)
		return
	}
	s.serveDFS(w, r, serverKey{namespace, name}, port, "/"+rest)
}

// serveDFS passes a request through the fault of that server, if any, and on to its process.
func (s *Server) serveDFS(w http.ResponseWriter, r *http.Request, key serverKey, port, path string) {
	status := 0 // 0: closed without an answer
	defer func() { s.count(key, r.Method, path, status) }()

	if fault := s.faultFor(key, path); fault != nil {
		if done := fault.apply(w, r, &status); done {
			return
		}
	}
	p := s.reachable(key)
	if p == nil || port != "" && port != strconv.FormatInt(p.cfg.num("controlplane.port"), 10) {
		// Nothing listens there, or the pod does not run: close the connection without a word.
		panic(http.ErrAbortHandler)
	}
	if refusal, refused := p.misdirected(r); refused {
		status = refusal.status
		refusal.write(w)
		return
	}
	a := p.handle(r, path, s.environment(key))
	status = a.status
	a.write(w)
}

// misdirected refuses what would not have come through to this server at an address of its own.
func (p *process) misdirected(r *http.Request) (answer, bool) {
	switch {
	case p.tls == nil && r.TLS == nil:
		return answer{}, false
	case p.tls != nil && r.TLS == nil:
		return answer{status: http.StatusBadRequest, body: []byte("Client sent an HTTP request to an HTTPS server.\n")}, true
	case p.tls != nil && p.tls.goodFor(r.TLS.ServerName) && p.tls.accepts(r.TLS):
		return answer{}, false
	}
	return plain(http.StatusMisdirectedRequest, "this connection was made to another server"), true
}

// reachable returns the process that answers for a server, or nil.
func (s *Server) reachable(key serverKey) *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.servers[key]
	if v == nil || !v.ready || v.process == nil || v.process.loopback {
		return nil
	}
	return v.process
}

// notify wakes everybody who waits for a change. s.mu must be held.
func (s *Server) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// WaitFor returns nil as soon as the condition holds. It is looked at again whenever something changed.
func (s *Server) WaitFor(ctx context.Context, condition func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if condition() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
