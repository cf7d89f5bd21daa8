// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
)

// etcd is a cluster of three members.
type etcd struct {
	members []*controlplane.EtcdMember
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
	for i := range 3 {
		m, err := controlplane.NewEtcdMember(binary, dir, fmt.Sprintf("m%d", i), "http")
		if err != nil {
			return nil, err
		}
		e.members = append(e.members, m)
	}
	if err := controlplane.Form(e.members); err != nil {
		return nil, err
	}
	e.client, err = clientv3.New(clientv3.Config{Endpoints: e.endpoints(), Context: context.WithoutCancel(ctx), Logger: zap.NewNop()})
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
			status, err := e.client.Status(ctx, m.Client)
			cancel()
			if err != nil || status.Leader == 0 {
				return false, nil
			}
		}
		return true, nil
	})
}

// leader is the member that leads, or any if that is not known.
func (e *etcd) leader(ctx context.Context) *controlplane.EtcdMember {
	for _, m := range e.members {
		if status, err := e.client.Status(ctx, m.Client); err == nil && status.Leader == status.Header.GetMemberId() {
			return m
		}
	}
	return e.members[0]
}

func (e *etcd) endpoints() (found []string) {
	for _, m := range e.members {
		found = append(found, m.Client)
	}
	return found
}

func (e *etcd) stop() error {
	var errs []error
	if e.client != nil {
		errs = append(errs, e.client.Close())
	}
	for _, m := range e.members {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}
