// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/client-go/metadata"
)

// WantsHostMetadata is implemented by plugins that look at the host cluster for
// objects whose content is no business of theirs, such as Secrets.
type WantsHostMetadata interface {
	SetHostMetadata(metadata.Interface)
	admission.InitializationValidator
}

// The objects that plugins ask for.
var (
	Secrets      = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	Claims       = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumeclaims"}
	Pods         = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	StatefulSets = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "statefulsets"}
)

// Object is one of a namespace, by its name.
type Object struct {
	Resource schema.GroupVersionResource
	Name     string
}

// Existing says which objects of a namespace are there. It asks the host cluster
// about all of them at once, and live: the answers decide about rights, so that an
// informer that is behind would not do.
func Existing(ctx context.Context, client metadata.Interface, namespace string, objects []Object) (map[Object]bool, error) {
	objects = sets.New(objects...).UnsortedList()
	answers := make([]bool, len(objects))
	questions, ctx := errgroup.WithContext(ctx)
	for i, object := range objects {
		questions.Go(func() (err error) {
			answers[i], err = exists(ctx, client, object.Resource, namespace, object.Name)
			return err
		})
	}
	if err := questions.Wait(); err != nil {
		return nil, err
	}
	existing := make(map[Object]bool, len(objects))
	for i, object := range objects {
		existing[object] = answers[i]
	}
	return existing, nil
}

func exists(ctx context.Context, client metadata.Interface, resource schema.GroupVersionResource, namespace, name string) (bool, error) {
	_, err := client.Resource(resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case err == nil:
		return true, nil
	case apierrors.IsNotFound(err):
		return false, nil
	}
	return false, fmt.Errorf("look for %s %s/%s: %w", resource.Resource, namespace, name, err)
}
