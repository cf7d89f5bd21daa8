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
)

// The annotations by which a class is the default of its cluster. No package of
// the library that we import has them as constants.
const (
	defaultClassAnnotation     = "storageclass.kubernetes.io/is-default-class"
	betaDefaultClassAnnotation = "storageclass.beta.kubernetes.io/is-default-class"
)

// maxNames is how many classes a message lists.
const maxNames = 10

// class returns nil if there is none of that name. The informer may be behind
// for a class of the same kubectl apply, so the host has the last word.
func (p *Plugin) class(ctx context.Context, name string) (*storagev1.StorageClass, error) {
	class, err := p.classes.Get(name)
	if apierrors.IsNotFound(err) {
		class, err = p.client.StorageV1().StorageClasses().Get(ctx, name, metav1.GetOptions{})
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get StorageClass %s: %w", name, err)
	}
	return class, nil
}

// defaultClass is chosen as the cluster does it: of several, the newest, and of
// two that are equally old, the first by name.
func (p *Plugin) defaultClass() (*storagev1.StorageClass, error) {
	classes, err := p.classes.List(labels.Everything())
	if err != nil {
		return nil, fmt.Errorf("list StorageClasses: %w", err)
	}
	var chosen *storagev1.StorageClass
	for _, class := range classes {
		if class.Annotations[defaultClassAnnotation] != "true" && class.Annotations[betaDefaultClassAnnotation] != "true" {
			continue
		}
		if chosen == nil || class.CreationTimestamp.After(chosen.CreationTimestamp.Time) ||
			class.CreationTimestamp.Equal(&chosen.CreationTimestamp) && class.Name < chosen.Name {
			chosen = class
		}
	}
	return chosen, nil
}

// names lists the classes for a message.
func (p *Plugin) names() string {
	classes, err := p.classes.List(labels.Everything())
	if err != nil || len(classes) == 0 {
		return "none"
	}
	names := make([]string, 0, len(classes))
	for _, class := range classes {
		names = append(names, class.Name)
	}
	slices.Sort(names)
	if more := len(names) - maxNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames], ", "), more)
	}
	return strings.Join(names, ", ")
}
