// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
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

// Exists asks the host cluster, live: the answer decides about rights, so that
// an informer that is behind would not do.
func Exists(ctx context.Context, client metadata.Interface, resource schema.GroupVersionResource, namespace, name string) (bool, error) {
	_, err := client.Resource(resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case err == nil:
		return true, nil
	case apierrors.IsNotFound(err):
		return false, nil
	}
	return false, fmt.Errorf("look for %s %s/%s: %w", resource.Resource, namespace, name, err)
}
