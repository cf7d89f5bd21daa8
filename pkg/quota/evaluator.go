// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package quota measures DittoServers for ResourceQuotas of the host cluster.
// In go DittoServers; out comes what each uses of count/dittoservers.dittofs.io and of dittofs.io/storage.
// It never reads or writes a quota: the admission plugin of the library charges them, the controller recounts them.
package quota

import (
	"errors"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	quotav1 "k8s.io/apiserver/pkg/quota/v1"
	"k8s.io/apiserver/pkg/quota/v1/generic"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// count is the number of DittoServers, under the name that Kubernetes gives to the count of any kind.
var count = generic.ObjectCountQuotaResourceNameFor(dittofsv1alpha1.Resource("dittoservers"))

// measured are the names in a quota that this is about.
var measured = []corev1.ResourceName{count, dittofsv1alpha1.QuotaStorage}

// Tracked are the names in a quota that are measured here. A quota with scopes has none: scopes are about pods.
func Tracked(quota *corev1.ResourceQuota) []corev1.ResourceName {
	if len(quota.Spec.Scopes) > 0 || quota.Spec.ScopeSelector != nil {
		return nil
	}
	// The cluster's own controller copies spec.hard to the status, and admission goes by that.
	return quotav1.Intersection(quotav1.ResourceNames(quota.Status.Hard), measured)
}

// Used is what these DittoServers use of the tracked resources.
func Used(servers []dittofsv1alpha1.DittoServer, tracked []corev1.ResourceName) corev1.ResourceList {
	sum := corev1.ResourceList{}
	for _, name := range tracked {
		sum[name] = resource.Quantity{Format: resource.DecimalSI}
	}
	for i := range servers {
		sum = quotav1.Add(sum, usage(&servers[i]))
	}
	return quotav1.Mask(sum, tracked)
}

func usage(server *dittofsv1alpha1.DittoServer) corev1.ResourceList {
	return corev1.ResourceList{
		count:                        *resource.NewQuantity(1, resource.DecimalSI),
		dittofsv1alpha1.QuotaStorage: Storage(server),
	}
}

// evaluator tells the quota admission of the library what a DittoServer uses. The library embeds the count of any kind;
// this adds the storage, and edits, which the count alone does not look at.
type evaluator struct{ quotav1.Evaluator }

// NewEvaluator returns what the quota admission needs. It asks for no UsageStats, so that there are none: Used has them.
func NewEvaluator() quotav1.Evaluator {
	list := func(string) ([]runtime.Object, error) { return nil, errors.New("admission lists no DittoServers") }
	return evaluator{generic.NewObjectCountEvaluator(dittofsv1alpha1.Resource("dittoservers"), list, "")}
}

// Handles looks at edits too: volumes grow. No subresource changes what a server uses.
func (evaluator) Handles(attributes admission.Attributes) bool {
	operation := attributes.GetOperation()
	return attributes.GetSubresource() == "" && (operation == admission.Create || operation == admission.Update)
}

// MatchingResources picks what is measured here.
func (evaluator) MatchingResources(input []corev1.ResourceName) []corev1.ResourceName {
	return quotav1.Intersection(input, measured)
}

// Matches says whether a quota is about DittoServers.
func (e evaluator) Matches(quota *corev1.ResourceQuota, item runtime.Object) (bool, error) {
	return generic.Matches(quota, item, e.MatchingResources, generic.MatchesNoScopeFunc)
}

// Usage is one server, and the sum of the claims that are made for it.
func (evaluator) Usage(item runtime.Object) (corev1.ResourceList, error) {
	server, ok := item.(*dittofsv1alpha1.DittoServer)
	if !ok {
		return nil, errors.New("not a DittoServer")
	}
	return usage(server), nil
}
