// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	quotav1 "k8s.io/apiserver/pkg/quota/v1"
	quotageneric "k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
	"github.com/dittofs/dittofs-apiserver/pkg/quota"
)

// initializers give plugins what the library does not: to the quota plugin what
// a DittoServer uses, and to ours a client that sees metadata only.
type initializers struct {
	quota    quotav1.Configuration
	metadata metadata.Interface
	own      ownStore
	etcd     *clientv3.Client
	prefix   string
	shared   bool
}

// ownStore is what plugins get of our own store.
type ownStore interface {
	dittofsadmission.Classes
	dittofsadmission.ClassServers
}

func newInitializers(host *rest.Config, own ownStore, etcd *clientv3.Client, prefix string, shared bool) (admission.PluginInitializer, error) {
	client, err := metadata.NewForConfig(host)
	if err != nil {
		return nil, fmt.Errorf("metadata client of the host cluster: %w", err)
	}
	return initializers{
		quota:    quotageneric.NewConfiguration([]quotav1.Evaluator{quota.NewEvaluator()}, nil),
		metadata: client, own: own, etcd: etcd, prefix: prefix, shared: shared,
	}, nil
}

func (i initializers) Initialize(plugin admission.Interface) {
	if wants, ok := plugin.(initializer.WantsQuotaConfiguration); ok {
		wants.SetQuotaConfiguration(i.quota)
	}
	if wants, ok := plugin.(dittofsadmission.WantsHostMetadata); ok {
		wants.SetHostMetadata(i.metadata)
	}
	if wants, ok := plugin.(dittofsadmission.WantsClasses); ok {
		wants.SetClasses(i.own)
	}
	if wants, ok := plugin.(dittofsadmission.WantsClassServers); ok {
		wants.SetClassServers(i.own)
	}
	if wants, ok := plugin.(dittofsadmission.WantsEtcd); ok {
		wants.SetEtcd(i.etcd, i.prefix, i.shared)
	}
}
