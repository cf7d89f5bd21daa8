// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
)

// creation is what became of servers that were created at once, from the first request on.
type creation struct {
	sets, objects time.Duration // all StatefulSets are there; with them ConfigMaps, Secrets and Services
	pods, ready   time.Duration // all pods are Ready; all DittoServers

	// The rest is known of ours only.
	requests     map[request]int // of our server to the host cluster
	statusWrites float64
	reconciles   float64
	cpu          float64 // seconds of our process
}

// floor creates the objects of the servers by a plain client, in a cluster without our server. It is what the cluster
// itself costs: nobody who makes these objects can be faster.
func (b *bench) floor(ctx context.Context) (err error) {
	h, err := b.startHost(ctx, "floor", b.options.controllerQPS)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Stop()) }()
	b.flags = h.clientFlags()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	follow, err := h.follow(ctx, nil)
	if err != nil {
		return err
	}
	first, later, err := b.bareObjects(b.options.servers)
	if err != nil {
		return err
	}
	b.bare = &creation{}
	started := time.Now()
	err = b.step(ctx, "write the objects", func(ctx context.Context) error {
		if err := h.write(ctx, b.options.writers, first); err != nil {
			return err
		}
		sets, all, err := follow.awaitObjects(ctx, b.options.servers)
		b.bare.sets, b.bare.objects = sets.Sub(started), all.Sub(started)
		return err
	})
	if err != nil {
		return err
	}
	return b.step(ctx, "wait for the pods", func(ctx context.Context) error {
		if err := h.write(ctx, b.options.writers, later); err != nil {
			return err
		}
		last, err := follow.pods.await(ctx, b.options.servers)
		b.bare.pods = last.Sub(started)
		return err
	})
}

// bareObjects are those of each server, in the order in which we make them: first what is there before it runs, later what
// is made for its adapters.
func (b *bench) bareObjects(servers int) (first, later [][]*unstructured.Unstructured, err error) {
	sample, err := b.sample()
	if err != nil {
		return nil, nil, err
	}
	for _, name := range measure.Names("server", servers) {
		server := sample.DeepCopy()
		server.Name, server.UID = name, types.UID(name)
		dittofsv1alpha1.SetObjectDefaults_DittoServer(server)
		// Hashes and credentials need to be as long as ours, and no more.
		in := render.Inputs{ConfigHash: strings.Repeat("0", 64), Adapters: []render.Adapter{
			{Type: "nfs", Port: 12049}, {Type: "smb", Port: 12445},
		}}
		objects, err := render.All(server, in)
		if err != nil {
			return nil, nil, err
		}
		network, err := render.Network(server, in)
		if err != nil {
			return nil, nil, err
		}
		value := []byte(strings.Repeat("0", 43))
		ofServer, err := plain(
			render.GeneratedSecret(server, render.JWTSecretName(name), map[string][]byte{render.JWTSecretKey: value}),
			render.GeneratedSecret(server, render.AdminSecretName(name), map[string][]byte{render.AdminUsernameKey: []byte("admin"), render.AdminPasswordKey: value}),
			objects.ConfigMap, objects.HeadlessService, objects.APIService, objects.StatefulSet)
		if err != nil {
			return nil, nil, err
		}
		var exposed []any
		for _, service := range network.AdapterServices {
			exposed = append(exposed, service)
		}
		for _, policy := range network.NetworkPolicies {
			exposed = append(exposed, policy)
		}
		ofAdapters, err := plain(exposed...)
		if err != nil {
			return nil, nil, err
		}
		ofAdapters = slices.DeleteFunc(ofAdapters, func(object *unstructured.Unstructured) bool {
			// The one policy that is there from the start.
			baseline := object.GetName() == render.BaselinePolicyName(name)
			if baseline {
				ofServer = append(ofServer, object)
			}
			return baseline
		})
		first, later = append(first, ofServer), append(later, ofAdapters)
	}
	return first, later, nil
}

func plain(objects ...any) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	for _, object := range objects {
		text, err := json.Marshal(object)
		if err != nil {
			return nil, err
		}
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON(text); err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}

// write creates objects, so many sets at a time and one after another within a set.
func (h *host) write(ctx context.Context, writers int, sets [][]*unstructured.Unstructured) error {
	plurals := map[string]string{"ConfigMap": "configmaps", "Secret": "secrets", "Service": "services", "StatefulSet": "statefulsets", "NetworkPolicy": "networkpolicies"}
	return measure.Each(writers, len(sets), func(i int) error {
		for _, object := range sets[i] {
			kind := object.GroupVersionKind()
			resource := schema.GroupVersionResource{Group: kind.Group, Version: kind.Version, Resource: plurals[kind.Kind]}
			if _, err := h.dynamic.Resource(resource).Namespace(namespace).Create(ctx, object, metav1.CreateOptions{}); err != nil {
				return err
			}
		}
		return nil
	})
}
