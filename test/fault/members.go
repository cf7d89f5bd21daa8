// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/util/wait"
)

// member is one process of an external etcd.
type member struct {
	name, client, peer string
	args               []string
	binary             string
	log                *os.File
	process            *exec.Cmd
	ended              chan struct{}
}

func (m *member) start() error {
	m.process, m.ended = exec.Command(m.binary, m.args...), make(chan struct{})
	m.process.Stdout, m.process.Stderr = m.log, m.log
	if err := m.process.Start(); err != nil {
		return fmt.Errorf("start etcd %s: %w", m.name, err)
	}
	go func(process *exec.Cmd, ended chan struct{}) {
		_ = process.Wait() // it is killed
		close(ended)
	}(m.process, m.ended)
	return nil
}

// kill ends it as a lost node would.
func (m *member) kill() {
	_ = m.process.Process.Kill()
	<-m.ended
}

// etcd is a cluster of three members.
type etcd struct {
	members []*member
	client  *clientv3.Client
}

func startEtcd(ctx context.Context, binary, dir string) (e *etcd, err error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	e = &etcd{}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.stop())
		}
	}()
	var cluster, endpoints []string
	for i := range 3 {
		client, peer, err := twoPorts()
		if err != nil {
			return nil, err
		}
		m := &member{name: fmt.Sprintf("m%d", i), binary: binary, client: "http://" + client, peer: "http://" + peer}
		e.members = append(e.members, m)
		cluster = append(cluster, m.name+"="+m.peer)
		endpoints = append(endpoints, m.client)
	}
	for _, m := range e.members {
		data := filepath.Join(dir, m.name)
		if err := os.MkdirAll(data, 0o700); err != nil {
			return nil, err
		}
		if m.log, err = os.Create(filepath.Join(dir, m.name+".log")); err != nil {
			return nil, err
		}
		m.args = []string{"--name=" + m.name, "--data-dir=" + data, "--log-level=warn",
			"--listen-client-urls=" + m.client, "--advertise-client-urls=" + m.client,
			"--listen-peer-urls=" + m.peer, "--initial-advertise-peer-urls=" + m.peer,
			"--initial-cluster=" + strings.Join(cluster, ","), "--initial-cluster-state=new"}
		if err := m.start(); err != nil {
			return nil, err
		}
	}
	e.client, err = clientv3.New(clientv3.Config{Endpoints: endpoints, Context: context.WithoutCancel(ctx), Logger: zap.NewNop()})
	if err != nil {
		return nil, err
	}
	return e, e.awaitAll(ctx)
}

// awaitAll waits until every member answers.
func (e *etcd) awaitAll(ctx context.Context) error {
	return wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		for _, m := range e.members {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			status, err := e.client.Status(ctx, m.client)
			cancel()
			if err != nil || status.Leader == 0 {
				return false, nil
			}
		}
		return true, nil
	})
}

// leader is the member that leads, or any if that is not known.
func (e *etcd) leader(ctx context.Context) *member {
	for _, m := range e.members {
		if status, err := e.client.Status(ctx, m.client); err == nil && status.Leader == status.Header.GetMemberId() {
			return m
		}
	}
	return e.members[0]
}

func (e *etcd) endpoints() (found []string) {
	for _, m := range e.members {
		found = append(found, m.client)
	}
	return found
}

func (e *etcd) stop() error {
	var errs []error
	if e.client != nil {
		errs = append(errs, e.client.Close())
	}
	for _, m := range e.members {
		if m.process != nil {
			m.kill()
		}
		if m.log != nil {
			errs = append(errs, m.log.Close())
		}
	}
	return errors.Join(errs...)
}

// twoPorts are two addresses that were free a moment ago.
func twoPorts() (a, b string, err error) {
	var found []string
	for range 2 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		defer listener.Close()
		found = append(found, listener.Addr().String())
	}
	return found[0], found[1], nil
}
