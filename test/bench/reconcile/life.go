// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/dittofs/dittofs-apiserver/pkg/render"
	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
	"github.com/dittofs/dittofs-apiserver/test/standin"
)

// quiet is what happened in a span of time in which nobody asked for anything.
type quiet struct {
	minutes                            float64
	writes, renewals, reads            int // requests to the host cluster; renewals are of the lease
	servers, probes, statusWrites, cpu float64
}

func (i *install) watchQuiet(ctx context.Context, d time.Duration) (quiet, error) {
	before, err := i.look(ctx)
	if err != nil {
		return quiet{}, err
	}
	if err := pass(ctx, d); err != nil {
		return quiet{}, err
	}
	after, err := i.look(ctx)
	if err != nil {
		return quiet{}, err
	}
	spent := after.minus(before)
	return quiet{
		minutes:  after.at.Sub(before.at).Minutes(),
		writes:   sum(spent.requests, func(r request) bool { return r.isWrite() && !isLease(r) }),
		renewals: sum(spent.requests, func(r request) bool { return r.isWrite() && isLease(r) }),
		reads:    sum(spent.requests, func(r request) bool { return !r.isWrite() }),
		servers:  spent.servers, probes: spent.probes, statusWrites: spent.statusWrites, cpu: spent.cpu,
	}, nil
}

func (b *bench) atRest(ctx context.Context, i *install) (err error) {
	if b.life.rest, err = i.watchQuiet(ctx, b.options.rest); err != nil {
		return err
	}
	now, err := i.look(ctx)
	if err != nil {
		return err
	}
	b.life.resident = now.resident
	b.life.heap, err = measure.LiveHeap(ctx, i.server.DirectConfig())
	return err
}

// edits changes specs, one after another, in a field that reaches the configuration and the pod.
func (b *bench) edits(ctx context.Context, i *install) (err error) {
	names := measure.Names("server", b.options.servers)[:b.options.edits]
	b.life.edits, err = i.latencies(ctx, names, func(name string) error {
		_, err := i.servers.DittofsV1alpha1().DittoServers(namespace).Patch(ctx, name, types.MergePatchType,
			[]byte(`{"spec": {"logging": {"level": "DEBUG"}}}`), metav1.PatchOptions{})
		return err
	})
	return err
}

// rotations changes the Secrets that the other servers sign tokens with.
func (b *bench) rotations(ctx context.Context, i *install) (err error) {
	names := measure.Names("server", b.options.servers)[b.options.servers-b.options.edits:]
	b.life.secrets, err = i.latencies(ctx, names, func(name string) error {
		patch, err := json.Marshal(map[string]any{"stringData": map[string]string{render.JWTSecretKey: "another value of at least thirty-two bytes, of " + name}})
		if err != nil {
			return err
		}
		_, err = i.kube.CoreV1().Secrets(namespace).Patch(ctx, render.JWTSecretName(name), types.MergePatchType, patch, metav1.PatchOptions{})
		return err
	})
	return err
}

// latencies are from before a change is sent until a watch shows the StatefulSet with another template.
func (i *install) latencies(ctx context.Context, names []string, change func(string) error) ([]time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	templates, err := i.followTemplates(ctx)
	if err != nil {
		return nil, err
	}
	var out []time.Duration
	for _, name := range names {
		before, sent := templates.get(name), time.Now()
		if err := change(name); err != nil {
			return nil, err
		}
		after, err := templates.awaitChange(ctx, name, before.value)
		if err != nil {
			return nil, err
		}
		out = append(out, after.at.Sub(sent))
	}
	return out, nil
}

// awaitRollouts waits until every pod is of the last template, and every server Ready.
func (b *bench) awaitRollouts(ctx context.Context, i *install) error {
	var last string
	err := wait.PollUntilContextCancel(ctx, 2*time.Second, true, func(ctx context.Context) (bool, error) {
		sets, err := i.kube.AppsV1().StatefulSets(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		done := 0
		for _, set := range sets.Items {
			if rolledOut(set) && i.follow.servers.get(set.Name).value != "" {
				done++
			}
		}
		last = fmt.Sprintf("%d of %d", done, b.options.servers)
		return done == b.options.servers, nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", last, err)
	}
	return nil
}

func rolledOut(set appsv1.StatefulSet) bool {
	s := set.Status
	return s.ObservedGeneration == set.Generation && s.CurrentRevision == s.UpdateRevision && s.ReadyReplicas == 1
}

// deadAPIs ends every dfs API, and looks at the first minute and at the time after it.
func (b *bench) deadAPIs(ctx context.Context, i *install) (err error) {
	fault, err := json.Marshal(standin.Fault{Mode: standin.FaultDown})
	if err != nil {
		return err
	}
	for _, name := range measure.Names("server", b.options.servers) {
		if err := i.control(ctx, http.MethodPost, "faults/"+namespace+"/"+name, fault); err != nil {
			return err
		}
	}
	if b.life.dying, err = i.watchQuiet(ctx, time.Minute); err != nil {
		return err
	}
	b.life.dead, err = i.watchQuiet(ctx, b.options.dead-time.Minute)
	return err
}

// control tells the stand-in something about one server.
func (i *install) control(ctx context.Context, method, path string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, method, i.dfs.URL+"/_standin/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	// Not through a proxy, which is for the world.
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err == nil && response.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("the stand-in says %s: %s", response.Status, answer)
	}
	return err
}
