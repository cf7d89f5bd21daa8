// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// member is what `etcd status -o json` tells of one.
type member struct {
	Endpoint string   `json:"endpoint"`
	Error    string   `json:"error"`
	Leader   bool     `json:"leader"`
	Size     int64    `json:"sizeBytes"`
	InUse    int64    `json:"inUseBytes"`
	Quota    int64    `json:"quotaBytes"`
	Alarms   []string `json:"alarms"`
}

// pod is the name of the member's pod: the first word of its endpoint.
func (m member) pod() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(m.Endpoint, "https://"), ".")
	return name
}

// etcd runs a command of ours on the store as docs/backup.md has it: in a pod of our server, with its certificate.
func (p *production) etcd(ctx context.Context, args ...string) (string, error) {
	command := append([]string{"-n", systemNamespace, "exec", "deployment/" + serverName, "--", "/dittofs-apiserver", "etcd"}, args...)
	servers := make([]string, 0, replicas)
	for _, name := range etcdMembers() {
		servers = append(servers, "https://"+name+":2379")
	}
	return p.kubectl(ctx, append(command, "--etcd-servers="+strings.Join(servers, ","), "--etcd-cafile=/etc/dittofs-apiserver/etcd/ca.crt",
		"--etcd-certfile=/etc/dittofs-apiserver/etcd/tls.crt", "--etcd-keyfile=/etc/dittofs-apiserver/etcd/tls.key")...)
}

func (p *production) members(ctx context.Context) ([]member, error) {
	output, err := p.etcd(ctx, "status", "-o", "json")
	if err != nil {
		return nil, err
	}
	var report struct{ Members []member }
	return report.Members, json.Unmarshal([]byte(output), &report)
}

// killMember kills etcd's leader, or another member, and waits until all are well again.
func (p *production) killMember(leader bool) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		members, err := p.members(ctx)
		if err != nil {
			return "", err
		}
		pods, err := p.podsOf(ctx, etcdName)
		if err != nil {
			return "", err
		}
		var victim *corev1.Pod
		for _, m := range members {
			for _, pod := range pods {
				if m.Leader == leader && m.pod() == pod.Name {
					victim = &pod
				}
			}
		}
		if victim == nil {
			return "", fmt.Errorf("none of %v is what is looked for", members)
		}
		began := time.Now()
		if err := killPod(victim, "etcd"); err != nil {
			return "", err
		}
		if err := eventually(ctx, func(ctx context.Context) error {
			pods, err := p.podsOf(ctx, etcdName)
			if err != nil {
				return err
			}
			for _, pod := range pods {
				if pod.UID == victim.UID && restarts(&pod) == restarts(victim) {
					return errors.New("the member has not been restarted")
				}
			}
			return p.allWell(ctx)
		}); err != nil {
			return "", err
		}
		return fmt.Sprintf("three members again after %.1f s", time.Since(began).Seconds()), nil
	}
}

// allWell succeeds when every member answers and one leads.
func (p *production) allWell(ctx context.Context) error {
	members, err := p.members(ctx)
	if err != nil {
		return err
	}
	leaders := 0
	for _, m := range members {
		if m.Error != "" {
			return fmt.Errorf("%s: %s", m.Endpoint, m.Error)
		}
		if m.Leader {
			leaders++
		}
	}
	if len(members) != replicas || leaders != 1 {
		return fmt.Errorf("%d members and %d leaders", len(members), leaders)
	}
	return nil
}
