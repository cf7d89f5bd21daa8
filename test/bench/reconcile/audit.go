// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"strings"
	"sync"
	"time"
)

// ourUser is whom the shipped manifests make our server.
const ourUser = "system:serviceaccount:dittofs-system:dittofs-apiserver"

// request is a kind of request to the host cluster.
type request struct {
	verb, resource string
	dryRun, failed bool
}

// isWrite says that it changes an object: reviews are questions, and a dry run changes nothing.
func (r request) isWrite() bool {
	switch r.verb {
	case "get", "list", "watch":
		return false
	}
	return !r.dryRun && !strings.HasSuffix(r.resource, "reviews")
}

// auditLog counts the requests of our server that kube-apiserver has answered. The log is read while it grows: it is
// rotated, and only one old file is kept.
type auditLog struct {
	path string

	mu     sync.Mutex
	file   *os.File
	reader *bufio.Reader
	line   []byte // begun and not ended
	counts map[request]int
}

// followAudit reads a log from its beginning until the context ends.
func followAudit(ctx context.Context, path string) *auditLog {
	a := &auditLog{path: path, counts: map[request]int{}}
	go func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				_, _ = a.read() // an error comes again when somebody asks
			}
		}
	}()
	return a
}

// read returns what was counted until now.
func (a *auditLog) read() (map[request]int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for {
		if a.file == nil {
			file, err := os.Open(a.path)
			if errors.Is(err, fs.ErrNotExist) {
				return maps.Clone(a.counts), nil
			}
			if err != nil {
				return nil, err
			}
			a.file, a.reader = file, bufio.NewReaderSize(file, 1<<16)
		}
		// Looked at first: what is written before the rotation is still read from the old file.
		rotated, err := a.rotated()
		if err != nil {
			return nil, err
		}
		if err := a.drain(); err != nil {
			return nil, err
		}
		if !rotated {
			return maps.Clone(a.counts), nil
		}
		if err := a.file.Close(); err != nil {
			return nil, err
		}
		a.file, a.line = nil, nil
	}
}

func (a *auditLog) rotated() (bool, error) {
	open, err := a.file.Stat()
	if err != nil {
		return false, err
	}
	current, err := os.Stat(a.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // in this very moment
	}
	return err == nil && !os.SameFile(open, current), err
}

func (a *auditLog) drain() error {
	for {
		part, err := a.reader.ReadBytes('\n')
		a.line = append(a.line, part...)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := a.count(a.line); err != nil {
			return err
		}
		a.line = a.line[:0]
	}
}

func (a *auditLog) count(line []byte) error {
	if !bytes.Contains(line, []byte(ourUser)) {
		return nil
	}
	var event struct {
		Verb, RequestURI string
		User             struct{ Username string }
		ObjectRef        struct{ Resource, Subresource string }
		ResponseStatus   struct{ Code int }
	}
	if err := json.Unmarshal(line, &event); err != nil {
		return fmt.Errorf("the audit log holds %q: %w", line, err)
	}
	if event.User.Username != ourUser {
		return nil
	}
	resource := event.ObjectRef.Resource
	switch {
	case resource == "":
		resource, _, _ = strings.Cut(event.RequestURI, "?")
	case event.ObjectRef.Subresource != "":
		resource += "/" + event.ObjectRef.Subresource
	}
	a.counts[request{
		verb: event.Verb, resource: resource,
		dryRun: strings.Contains(event.RequestURI, "dryRun="), failed: event.ResponseStatus.Code >= 400,
	}]++
	return nil
}

// since is what was counted after an earlier look.
func since(before, after map[request]int) map[request]int {
	out := map[request]int{}
	for what, n := range after {
		if n -= before[what]; n > 0 {
			out[what] = n
		}
	}
	return out
}

// sum adds up the requests of which something is true.
func sum(counts map[request]int, is func(request) bool) (n int) {
	for what, count := range counts {
		if is(what) {
			n += count
		}
	}
	return n
}

func isLease(r request) bool { return r.resource == "leases" }
func isEvent(r request) bool { return r.resource == "events" }
