// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apiserver/pkg/admission"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Classes are the DittoServerClasses of our own store.
type Classes interface {
	// Get returns a class as it is stored, or was a moment ago if another replica has changed it; nil if there is none
	// of that name.
	Get(ctx context.Context, name string) (*dittofsv1alpha1.DittoServerClass, error)
	// Default returns the class of servers that name none, nil if there is none.
	Default(ctx context.Context) (*dittofsv1alpha1.DittoServerClass, error)
}

// WantsClasses is implemented by plugins that look at classes.
type WantsClasses interface {
	SetClasses(Classes)
	admission.InitializationValidator
}

// ServerClasses is the resource whose rights decide who may use a class.
var ServerClasses = dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoserverclasses")

// ClassRight is the right to a verb on one class. It is asked about in the
// namespace of the server, so that a RoleBinding there can grant it.
func ClassRight(verb, class string) Right {
	return Right{Verb: verb, Resource: ServerClasses, Kind: "DittoServerClass", Name: class, Field: "spec.className"}
}

// ClassServers are the DittoServers of our own store, by their class.
type ClassServers interface {
	// OfClass returns those of a namespace as they are stored now.
	OfClass(ctx context.Context, namespace, class string) ([]dittofsv1alpha1.DittoServer, error)
}

// WantsClassServers is implemented by plugins that count servers.
type WantsClassServers interface {
	SetClassServers(ClassServers)
	admission.InitializationValidator
}

// WantsEtcd is implemented by plugins that keep records of their own, below a
// prefix in which nobody else has keys. An etcd that is not shared is this
// process's alone: nobody else admits anything meanwhile.
type WantsEtcd interface {
	SetEtcd(client *clientv3.Client, prefix string, shared bool)
	admission.InitializationValidator
}
