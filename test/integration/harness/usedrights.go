// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

const (
	// serverAgent begins the user agent of our process: tests may use its ServiceAccount, to see what it may not do.
	serverAgent = "dittofs-apiserver/"
	// controllersAgent ends that of the controllers: the API server has the same ServiceAccount and another role.
	controllersAgent = "/dittofs-controllers"
)

// checkRights holds what our server has asked of kube-apiserver, since the start of the cluster, to the roles that ship: it
// was refused nothing that they do not grant, and the controllers needed no right of the API server's.
func (c *Cluster) checkRights() error {
	root, err := RepoDir()
	if err != nil {
		return err
	}
	granted, err := shippedRights(root, !c.options.WithoutCredentials)
	if err != nil {
		return err
	}
	requests, err := c.requestsOfOurServer()
	if err != nil {
		return err
	}
	var failures []error
	for _, event := range requests {
		for _, request := range askedFor(event) {
			switch ofController := ofControllers(event); {
			// Where a test has taken a right away for a while, the role grants it all the same.
			case request.refused && !granted.cover(request, ofController):
				failures = append(failures, fmt.Errorf("our server was refused what no shipped role grants: %s", request))
			case ofController && !granted.cover(request, true):
				failures = append(failures, fmt.Errorf("the controllers have it only by the role of the API server, rbac-controllers.yaml lacks it: %s", request))
			}
		}
	}
	return errors.Join(unique(failures)...)
}

// UnusedRights is an error about the rights that this test should have used, by the table of controllerRights, and that
// nothing has used until now.
func (c *Cluster) UnusedRights(t *testing.T) error {
	t.Helper()
	requests, err := c.requestsOfOurServer()
	if err != nil {
		return err
	}
	everywhere, inSystem := map[Right]bool{}, map[Right]bool{}
	for _, event := range requests {
		for _, request := range askedFor(event) {
			switch {
			case request.refused:
			case request.namespace == systemNamespace:
				inSystem[request.Right] = true
			case ofControllers(event):
				everywhere[request.Right] = true
			}
		}
	}
	var failures []error
	for _, u := range controllerRights {
		if !strings.HasSuffix(u.where, ": "+t.Name()) {
			continue
		}
		used := everywhere
		if u.inSystem {
			used = inSystem
		}
		for _, right := range u.rights() {
			if !used[right] {
				failures = append(failures, fmt.Errorf("nothing has used the right to %s: take it out of the role, or say in controllerRights where it is used", right))
			}
		}
	}
	return errors.Join(failures...)
}

func ofControllers(event auditv1.Event) bool {
	return strings.HasSuffix(event.UserAgent, controllersAgent)
}

// requestsOfOurServer reads the audit log, the rotated part too.
func (c *Cluster) requestsOfOurServer() (requests []auditv1.Event, err error) {
	paths, err := filepath.Glob(strings.TrimSuffix(c.Plane.AuditLogPath, ".log") + "*.log")
	if err != nil {
		return nil, fmt.Errorf("find the audit log: %w", err)
	}
	for _, path := range paths {
		found, err := readRequests(path)
		if err != nil {
			return nil, err
		}
		requests = append(requests, found...)
	}
	if len(requests) == 0 {
		return nil, fmt.Errorf("the audit log has no request of %s as %s: this looks at the wrong user or the wrong file", ServerUser, serverAgent)
	}
	return requests, nil
}

func readRequests(path string) (requests []auditv1.Event, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	defer file.Close()
	for reader := bufio.NewReader(file); ; {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return requests, nil // a line that is being written has no end yet
		}
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		if !bytes.Contains(line, []byte(ServerUser)) {
			continue
		}
		var event auditv1.Event
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("the audit log holds %q: %w", line, err)
		}
		if event.User.Username == ServerUser && strings.HasPrefix(event.UserAgent, serverAgent) {
			requests = append(requests, event)
		}
	}
}

// request is a right that was asked for, and about what.
type request struct {
	Right
	namespace, name string
	refused         bool
}

func (r request) String() string {
	if r.namespace == "" {
		return r.Right.String()
	}
	return fmt.Sprintf("%s (%s in namespace %s)", r.Right, r.name, r.namespace)
}

// refusal is what the authorizer says. For an apply that would create, it is about another verb than that of the request.
var refusal = regexp.MustCompile(`User "` + regexp.QuoteMeta(ServerUser) + `" cannot (\S+) resource "([^"]+)" in API group "([^"]*)"`)

// askedFor are the rights that a request takes: an apply of what is not there takes two, and a watch stands for the list
// that informers fall back to where the list does not come as a stream.
func askedFor(event auditv1.Event) []request {
	ref := event.ObjectRef
	if ref == nil || ref.Resource == "" {
		return nil
	}
	resource := ref.Resource
	if ref.Subresource != "" {
		resource += "/" + ref.Subresource
	}
	asked := request{Right: Right{ref.APIGroup, resource, event.Verb}, namespace: ref.Namespace, name: ref.Name}
	code, message := int32(0), ""
	if event.ResponseStatus != nil {
		code, message = event.ResponseStatus.Code, event.ResponseStatus.Message
	}
	// Refusals of policies and quotas, which are 403 too, are no business of a role.
	if words := refusal.FindStringSubmatch(message); code == 403 && words != nil {
		asked.Right, asked.refused = Right{words[3], words[2], words[1]}, true
		return []request{asked}
	}
	out := []request{asked}
	switch {
	case event.Verb == "patch" && code == 201:
		asked.Verb = "create"
		out = append(out, asked)
	case event.Verb == "watch":
		asked.Verb = "list"
		out = append(out, asked)
	}
	return out
}

func unique(failures []error) []error {
	return slices.CompactFunc(slices.SortedFunc(slices.Values(failures), func(a, b error) int {
		return strings.Compare(a.Error(), b.Error())
	}), func(a, b error) bool { return a.Error() == b.Error() })
}
