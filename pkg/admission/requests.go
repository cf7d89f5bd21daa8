// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package admission holds what the admission plugins in its sub-packages share:
// which requests concern them, what the requester may do, and refusals. A plugin
// gets an admission request and allows, defaults or refuses it; none of them
// writes to any cluster.
package admission

import (
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apiserver/pkg/admission"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Created returns the DittoServer that a request creates, or nil.
func Created(attributes admission.Attributes) *dittofsv1alpha1.DittoServer {
	if attributes.GetOperation() != admission.Create || !mainResource(attributes) {
		return nil
	}
	server, _ := attributes.GetObject().(*dittofsv1alpha1.DittoServer)
	return server
}

// Updated returns the DittoServer that an update writes, with what it was.
func Updated(attributes admission.Attributes) (server, old *dittofsv1alpha1.DittoServer) {
	if attributes.GetOperation() != admission.Update || !mainResource(attributes) {
		return nil, nil
	}
	server, ok := attributes.GetObject().(*dittofsv1alpha1.DittoServer)
	old, wasOne := attributes.GetOldObject().(*dittofsv1alpha1.DittoServer)
	if !ok || !wasOne {
		return nil, nil
	}
	return server, old
}

// Changed returns the DittoServer that a request creates or changes, with what
// it was (nil for a create). Both are nil if the request leaves the spec as it
// is or the object is being deleted: what is stored can always be labelled and
// deleted, whatever a plugin thinks of it today.
func Changed(attributes admission.Attributes) (server, old *dittofsv1alpha1.DittoServer) {
	if server := Created(attributes); server != nil {
		return server, nil
	}
	server, old = Updated(attributes)
	if server == nil || old.DeletionTimestamp != nil || apiequality.Semantic.DeepEqual(server.Spec, old.Spec) {
		return nil, nil
	}
	return server, old
}

// Adopts tells whether a request allows the takeover of objects that are there
// already, which it did not allow before. It needs no change of the spec.
func Adopts(attributes admission.Attributes) bool {
	if !mainResource(attributes) {
		return false
	}
	server, ok := attributes.GetObject().(*dittofsv1alpha1.DittoServer)
	if !ok || server.Annotations[dittofsv1alpha1.AnnotationAdopt] != "true" {
		return false
	}
	if attributes.GetOperation() == admission.Create {
		return true
	}
	old, ok := attributes.GetOldObject().(*dittofsv1alpha1.DittoServer)
	return attributes.GetOperation() == admission.Update && ok && old.DeletionTimestamp == nil &&
		old.Annotations[dittofsv1alpha1.AnnotationAdopt] != "true"
}

func mainResource(attributes admission.Attributes) bool {
	return attributes.GetSubresource() == "" &&
		attributes.GetResource().GroupResource() == dittofsv1alpha1.Resource("dittoservers")
}
