// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"

	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// fairness is what keeps replicas and their requests from starving each other: our requests to kube-apiserver have a place of
// their own, and clients of ours do not stay with one replica for ever.
func (p *production) fairness(ctx context.Context) (string, error) {
	level, err := p.ownFlow(ctx)
	if err != nil {
		return "", err
	}
	asked, err := p.untilNewConnection(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("our requests are in the priority level %s; a client was sent to a new connection after %d requests", level, asked), nil
}

// ownFlow asks as our ServiceAccount, and looks whether kube-apiserver has dispatched requests there before.
func (p *production) ownFlow(ctx context.Context) (level string, err error) {
	schema := &flowcontrolv1.FlowSchema{}
	if err := p.plane.Client().Get(ctx, client.ObjectKey{Name: serverName}, schema); err != nil {
		return "", err
	}
	config := rest.CopyConfig(p.plane.AdminConfig())
	config.Impersonate.UserName = "system:serviceaccount:" + systemNamespace + ":" + serverName
	config.Impersonate.Groups = []string{"system:serviceaccounts", "system:serviceaccounts:" + systemNamespace, "system:authenticated"}
	asUs, err := rest.HTTPClientFor(config)
	if err != nil {
		return "", err
	}
	response, err := ask(ctx, asUs, config.Host+"/api/v1/namespaces/"+systemNamespace+"/configmaps/dittofs-store")
	if err != nil {
		return "", err
	}
	if uid := response.Get("X-Kubernetes-Pf-Flowschema-Uid"); uid != string(schema.UID) {
		return "", fmt.Errorf("a request of ours was put into the flow schema %q, ours is %q", uid, schema.UID)
	}
	metrics, err := p.kubectl(ctx, "get", "--raw", "/metrics")
	if err != nil {
		return "", err
	}
	level = schema.Spec.PriorityLevelConfiguration.Name
	if !strings.Contains(metrics, `apiserver_flowcontrol_dispatched_requests_total{flow_schema="`+serverName+`",priority_level="`+level+`"}`) {
		return "", errors.New("kube-apiserver has dispatched no request by our flow schema")
	}
	return level, nil
}

// untilNewConnection asks more often than one connection is good for, with --goaway-chance=0.001 as the overlay has it: that a
// client of 12,000 requests stays where it is happens once in 160,000 runs.
func (p *production) untilNewConnection(ctx context.Context) (asked int64, err error) {
	const limit = 12000
	config, err := p.directConfig(ctx)
	if err != nil {
		return 0, err
	}
	direct, err := rest.HTTPClientFor(config)
	if err != nil {
		return 0, err
	}
	var count, fresh atomic.Int64
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if !info.Reused {
			fresh.Add(1)
		}
	}})
	errs := make([]error, 8)
	var asking sync.WaitGroup
	for i := range errs {
		asking.Go(func() {
			for errs[i] == nil && fresh.Load() < 2 && count.Add(1) <= limit {
				_, errs[i] = ask(traced, direct, config.Host+"/livez")
			}
		})
	}
	asking.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	if fresh.Load() < 2 {
		return 0, fmt.Errorf("%d requests of one client took one connection: it stays with one replica", limit)
	}
	return count.Load(), nil
}

// ask wants an answer 200 and returns its headers.
func ask(ctx context.Context, by *http.Client, url string) (http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := by.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	return response.Header, nil
}
