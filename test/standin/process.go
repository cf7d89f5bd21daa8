// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"errors"
	"fmt"
	"time"
)

// process is a started server: what it read at its start, and what it holds in memory until its pod is gone.
type process struct {
	cfg        settings
	secret     []byte
	db         *database
	now        func() time.Time
	started    time.Time
	loopback   bool // listens on the pod's loopback only
	privileged bool // may bind ports below 1024
	tls        *servedTLS

	// The rest is guarded by db.mu.
	listeners map[string]*listener    // adapters that were started, by type
	reports   map[string]cachedReport // dfs keeps the outcome of a check for 5 s
	database  cachedReport
}

// listener is a started adapter. dfs says running of it even when its port could not be bound.
type listener struct {
	port  int
	bound bool
}

// report is the outcome of a check as the API shows it.
type report struct {
	Status    string    `json:"status"`
	Message   string    `json:"message,omitempty"`
	CheckedAt time.Time `json:"checked_at"`
}

type cachedReport struct {
	report
	valid bool
}

// reportLife is how long dfs answers from a check before it looks again.
const reportLife = 5 * time.Second

// conditions are what faults change in the world around a process.
type conditions struct {
	databaseDown  bool
	brokenAdapter string // type of the adapter whose check fails
}

// errPanic stands for a panic of the real process: an empty 500 in a request, the end of the process at its start.
var errPanic = errors.New("panic")

func newProcess(cfg settings, secret string, db *database, now func() time.Time) *process {
	return &process{cfg: cfg, secret: []byte(secret), db: db, now: now, started: now(),
		listeners: map[string]*listener{}, reports: map[string]cachedReport{}}
}

func (p *process) startAdapters() error {
	for _, row := range p.db.adapters {
		if !row.Enabled {
			continue
		}
		if err := p.startAdapter(row); err != nil {
			return fmt.Errorf("exit code 2: %w: listen tcp: address %d: invalid port", err, row.Port)
		}
	}
	return nil
}

func (p *process) startAdapter(row *adapterRow) error {
	port := resolvePort(row.Type, row.Port)
	if port < 0 || port > 65535 {
		return errPanic
	}
	l := &listener{port: port, bound: port >= 1024 || p.privileged}
	for other, o := range p.listeners {
		if other != row.Type && o.bound && o.port == port {
			l.bound = false // taken: an ERROR in the log, and the adapter "runs" on
		}
	}
	if int64(port) == p.cfg.num("controlplane.port") {
		l.bound = false
	}
	p.listeners[row.Type] = l
	return nil
}

// resolvePort gives port 0 its meaning. The default of smb is not the port of the row that a new database gets (1445).
func resolvePort(adapterType string, port int) int {
	if port != 0 {
		return port
	}
	return map[string]int{"nfs": 12049, "smb": 12445}[adapterType]
}

// check is the status of an adapter, up to 5 s old.
func (p *process) check(adapterType string, around conditions) report {
	if r := p.reports[adapterType]; r.fresh(p.now()) {
		return r.report
	}
	r := report{Status: "healthy", CheckedAt: p.now().UTC()}
	switch l := p.listeners[adapterType]; {
	case l == nil:
		r.Status, r.Message = "unknown", "adapter "+adapterType+" not running"
	case around.brokenAdapter == adapterType:
		r.Status, r.Message = "unhealthy", protocol(adapterType)+" adapter failed its check"
	case !l.bound:
		r.Status, r.Message = "unknown", protocol(adapterType)+" adapter has not started yet"
	}
	p.reports[adapterType] = cachedReport{r, true}
	return r
}

// databaseStatus is what /health says of the database, up to 5 s old.
func (p *process) databaseStatus(around conditions) string {
	if !p.database.fresh(p.now()) {
		status := "reachable"
		if around.databaseDown {
			status = "unreachable"
		}
		p.database = cachedReport{report{Status: status, CheckedAt: p.now()}, true}
	}
	return p.database.Status
}

func (c cachedReport) fresh(now time.Time) bool {
	return c.valid && now.Sub(c.CheckedAt) < reportLife
}

func protocol(adapterType string) string {
	return map[string]string{"nfs": "NFS", "smb": "SMB"}[adapterType]
}
