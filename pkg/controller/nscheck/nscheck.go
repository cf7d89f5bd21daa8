// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package nscheck compares the namespace that a DittoServer was created in with the namespace of that name in the host
// cluster. In go the object and two readers of namespaces; out comes a State. It never changes anything, and never
// calls a namespace gone or replaced on the word of a cache.
package nscheck

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// State is what became of the namespace of a DittoServer.
type State string

const (
	// Same means that the namespace is the one that the object was created in.
	Same State = "Same"
	// Terminating means that it is, and that it is being deleted: nothing can be created there.
	Terminating State = "Terminating"
	// Missing means that there is no namespace of that name.
	Missing State = "Missing"
	// Replaced means that the namespace was deleted and another of that name created: its owner need not be ours.
	Replaced State = "Replaced"
	// Unstamped means that the object does not say where it was created.
	Unstamped State = "Unstamped"
)

// NewMetadata returns an empty Namespace of which only the metadata is read.
func NewMetadata() *metav1.PartialObjectMetadata {
	ns := &metav1.PartialObjectMetadata{}
	ns.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	return ns
}

// Check returns the state of a DittoServer's namespace. Anything but good news from the cache is confirmed by live.
func Check(ctx context.Context, cached, live client.Reader, server *dittofsv1alpha1.DittoServer) (State, error) {
	stamp := types.UID(server.Annotations[dittofsv1alpha1.AnnotationNamespaceUID])
	if stamp == "" {
		return Unstamped, nil
	}
	state, err := look(ctx, cached, server.Namespace, stamp)
	if err != nil || state == Same || state == Terminating {
		return state, err
	}
	return look(ctx, live, server.Namespace, stamp)
}

func look(ctx context.Context, reader client.Reader, name string, stamp types.UID) (State, error) {
	ns := NewMetadata()
	switch err := reader.Get(ctx, types.NamespacedName{Name: name}, ns); {
	case apierrors.IsNotFound(err):
		return Missing, nil
	case err != nil:
		return "", fmt.Errorf("look up namespace %s: %w", name, err)
	case ns.UID != stamp:
		return Replaced, nil
	case ns.DeletionTimestamp != nil:
		return Terminating, nil
	default:
		return Same, nil
	}
}
