// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dittofs/dittofs-apiserver/hack/image/assemble"
	"github.com/dittofs/dittofs-apiserver/test/e2e/node"
)

const (
	etcdName = "dittofs-etcd"
	// etcdImage is what the manifests name. What is imported under it is the etcd of the same release, built here.
	etcdImage = "quay.io/coreos/etcd:v3.7.3"
	// ownServer is the sample whose credentials are its tenant's: in this overlay, nobody generates them.
	ownServer = "projects"
	replicas  = 3
)

// production is the overlay of that name: three replicas over an etcd of three members, on three nodes.
type production struct {
	*suite
	// load asks and writes all the time, by way of the aggregator and without it.
	load *load
}

func runProduction(ctx context.Context, c *cluster) error {
	s, err := newSuite(c, "production", "deployment/"+serverName, ownServer)
	if err != nil {
		return err
	}
	p := &production{suite: s}
	failed := p.walk(ctx, p.steps())
	p.print(c.out)
	return failed
}

func (p *production) steps() []step {
	return []step{
		{name: "three nodes, images", do: p.prepare, unchecked: true},
		{name: "install production", do: p.installProduction, unchecked: true},
		{name: "tenant applies a DittoServer", do: p.tenantAppliesOwn, unchecked: true},
		{name: "fair shares", do: p.underLoad(p.fairness)},
		{name: "another image", do: p.underLoad(p.update)},
		{name: "new authority", do: p.rotateForAll},
		{name: "every pod evicted", do: p.underLoad(p.evictAll)},
		{name: "the leader's node drained", do: p.underLoad(p.drainNode)},
		{name: "the leader's pod deleted", do: p.underLoad(p.deleteOne)},
		{name: "kill -9 of the leader", do: p.withLosses(p.killLeader)},
		{name: "kill -9 of a member of etcd", do: p.withLosses(p.killMember(false))},
		{name: "kill -9 of etcd's leader", do: p.withLosses(p.killMember(true))},
		{name: "a member's volume lost", do: p.withLosses(p.loseMember)},
		{name: "etcd restarted", do: p.underLoad(p.restartEtcd)},
		{name: "the store is full", do: p.underLoad(p.full)},
		{name: "the quorum of etcd lost", do: p.loseQuorum},
		{name: "all volumes of etcd lost, restore", do: p.restoreAll},
		{name: "uninstall", do: p.uninstall, unchecked: true},
	}
}

func (p *production) prepare(ctx context.Context) (string, error) {
	for node.Place(len(p.nodes)) < node.Places {
		if err := p.addNode(ctx); err != nil {
			return "", err
		}
	}
	for _, tag := range []string{firstTag, secondTag} {
		if err := p.importServer(ctx, tag); err != nil {
			return "", err
		}
	}
	file := filepath.Join(p.options.dir(), "etcd.tar")
	if err := p.archive(file, assemble.Etcd(p.options.imageBins(), architecture, assemble.Origin{}), etcdImage); err != nil {
		return "", err
	}
	if err := p.importImage(ctx, file); err != nil {
		return "", err
	}
	what, err := p.importDFS(ctx)
	return fmt.Sprintf("%d kubelets; etcd of our own making; %s", len(p.nodes), what), err
}

// installProduction goes by docs/install.md.
func (p *production) installProduction(ctx context.Context) (string, error) {
	if _, err := p.kubectl(ctx, "apply", "-f", filepath.Join(p.options.root, "artifacts", "deploy", "base", "namespace.yaml")); err != nil {
		return "", err
	}
	if err := p.makeEtcdSecrets(ctx); err != nil {
		return "", err
	}
	began := time.Now()
	if err := p.apply(ctx, firstTag); err != nil {
		return "", err
	}
	if err := p.rolledOut(ctx); err != nil {
		return "", err
	}
	if err := eventually(ctx, p.served); err != nil {
		return "", err
	}
	took := time.Since(began)
	var spread []string
	for _, app := range []string{serverName, etcdName} {
		nodes, err := p.nodesOf(ctx, app)
		if err != nil {
			return "", err
		}
		if len(nodes) != replicas {
			return "", fmt.Errorf("the pods of %s are on %d nodes, want %d: %v", app, len(nodes), replicas, nodes)
		}
		spread = append(spread, app)
	}
	return fmt.Sprintf("served after %.1f s; %s on three nodes each", took.Seconds(), strings.Join(spread, " and ")), nil
}

// rolledOut waits for both workloads as the page says.
func (p *production) rolledOut(ctx context.Context) error {
	for _, workload := range []string{"statefulset/" + etcdName, p.workload} {
		if _, err := p.kubectl(ctx, "rollout", "status", workload, "-n", systemNamespace, "--timeout=4m"); err != nil {
			return err
		}
	}
	return nil
}

// podsOf are the pods of one of the two workloads that are not on their way out.
func (p *production) podsOf(ctx context.Context, app string) ([]corev1.Pod, error) {
	var list corev1.PodList
	err := p.plane.Client().List(ctx, &list, client.InNamespace(systemNamespace), client.MatchingLabels{"app.kubernetes.io/name": app})
	var pods []corev1.Pod
	for _, pod := range list.Items {
		if pod.DeletionTimestamp == nil {
			pods = append(pods, pod)
		}
	}
	return pods, err
}

func (p *production) nodesOf(ctx context.Context, app string) (map[string]bool, error) {
	pods, err := p.podsOf(ctx, app)
	nodes := map[string]bool{}
	for _, pod := range pods {
		nodes[pod.Spec.NodeName] = true
	}
	return nodes, err
}

// tenantAppliesOwn is what a tenant does here: the shipped sample that names its Secrets, with the Secrets made before.
func (p *production) tenantAppliesOwn(ctx context.Context) (string, error) {
	var err error
	if p.tenant, err = p.plane.AddUserFile("team-a-admin", tenantGroup); err != nil {
		return "", err
	}
	if err := p.makeTenant(ctx); err != nil {
		return "", err
	}
	for _, secret := range [][]string{
		{ownServer + "-jwt", "signing-key=" + strings.Repeat("signing key ", 4)},
		{ownServer + "-admin", "password=a long password"},
	} {
		if _, err := p.kubectl(ctx, "-n", tenantNamespace, "create", "secret", "generic", secret[0], "--from-literal="+secret[1]); err != nil {
			return "", err
		}
	}
	began := time.Now()
	if _, err := p.kubectlAs(ctx, p.tenant, "-n", tenantNamespace, "apply", "-f", p.ownSample()); err != nil {
		return "", err
	}
	if err := eventually(ctx, p.allReady); err != nil {
		return "", err
	}
	ready := time.Since(began)
	if p.pods, err = p.filePods(ctx); err != nil {
		return "", err
	}
	if len(p.pods) != 1 {
		return "", fmt.Errorf("%d pods of file servers, want 1", len(p.pods))
	}
	if p.load, err = p.startLoad(ctx); err != nil {
		return "", err
	}
	p.verify, p.acknowledged, p.endWrites = p.load.verify, p.load.names, p.load.end
	return fmt.Sprintf("Ready after %.1f s, by the probes of the kubelet", ready.Seconds()), nil
}

func (p *production) ownSample() string {
	return filepath.Join(p.options.root, "artifacts", "samples", "dittoserver-credentials.yaml")
}
