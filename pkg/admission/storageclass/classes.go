// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package storageclass

import (
	"context"
	"fmt"
	"slices"
	"strings"

	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	storageclient "k8s.io/client-go/kubernetes/typed/storage/v1"
)

// The annotations by which a class is the default of its cluster. No package of
// the library that we import has them as constants.
const (
	defaultClassAnnotation     = "storageclass.kubernetes.io/is-default-class"
	betaDefaultClassAnnotation = "storageclass.beta.kubernetes.io/is-default-class"
)

// maxNames is how many classes a message lists.
const maxNames = 10

// classes are the StorageClasses of the host cluster, as one request sees them.
type classes struct {
	known []*storagev1.StorageClass
	// host is asked about a class that is not known; nil if it has just listed all.
	host storageclient.StorageClassInterface
}

// look takes what the informer knows. Before it knows anything, in the first
// moments of the server and while its rights are missing, the host is asked: an
// answer that comes at once is better than a wait, and a refusal says why.
func (p *Plugin) look(ctx context.Context) (*classes, error) {
	if p.hasSynced() {
		known, err := p.lister.List(labels.Everything())
		if err != nil {
			return nil, fmt.Errorf("list StorageClasses: %w", err)
		}
		return &classes{known: known, host: p.client.StorageV1().StorageClasses()}, nil
	}
	list, err := p.client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list StorageClasses: %w", err)
	}
	found := &classes{}
	for i := range list.Items {
		found.known = append(found.known, &list.Items[i])
	}
	return found, nil
}

// get returns nil if there is none of that name. The informer may be behind for
// a class of the same kubectl apply, so the host has the last word.
func (c *classes) get(ctx context.Context, name string) (*storagev1.StorageClass, error) {
	for _, class := range c.known {
		if class.Name == name {
			return class, nil
		}
	}
	if c.host == nil {
		return nil, nil
	}
	class, err := c.host.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get StorageClass %s: %w", name, err)
	}
	return class, nil
}

// byDefault is chosen as the cluster does it: of several, the newest, and of two
// that are equally old, the first by name. It is nil if there is none.
func (c *classes) byDefault() *storagev1.StorageClass {
	var chosen *storagev1.StorageClass
	for _, class := range c.known {
		if class.Annotations[defaultClassAnnotation] != "true" && class.Annotations[betaDefaultClassAnnotation] != "true" {
			continue
		}
		if chosen == nil || class.CreationTimestamp.After(chosen.CreationTimestamp.Time) ||
			class.CreationTimestamp.Equal(&chosen.CreationTimestamp) && class.Name < chosen.Name {
			chosen = class
		}
	}
	return chosen
}

// names lists the classes for a message.
func (c *classes) names() string {
	if len(c.known) == 0 {
		return "none"
	}
	names := make([]string, 0, len(c.known))
	for _, class := range c.known {
		names = append(names, class.Name)
	}
	slices.Sort(names)
	if more := len(names) - maxNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames], ", "), more)
	}
	return strings.Join(names, ", ")
}
