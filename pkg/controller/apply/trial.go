// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Diff names the fields in which two apply configurations differ. Absent and empty are the same to it.
func Diff(have, want any) ([]string, error) {
	h, err := toFields(have)
	if err != nil {
		return nil, fmt.Errorf("encode what there is: %w", err)
	}
	w, err := toFields(want)
	if err != nil {
		return nil, fmt.Errorf("encode what is wanted: %w", err)
	}
	return changedPaths(h, w), nil
}

// Try asks the API whether it would take a change of an object of ours, admission and quota included, and changes nothing.
// It is for two objects that have to change together or not at all. While the cache shows an older object than our last
// apply left, nothing is asked: Ensure will wait as well.
func (a *Applier) Try(ctx context.Context, req Request, live client.Object) error {
	want, err := toFields(req.Want)
	if err != nil {
		return fmt.Errorf("encode the wanted %s %s: %w", req.Kind.GVK.Kind, req.Name, err)
	}
	if last, known := a.memory.get(req); known && older(live.GetResourceVersion(), last.resourceVersion) {
		return nil
	}
	u := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(want.sent)}
	u.SetUID(live.GetUID())
	err = a.Writer.Apply(ctx, client.ApplyConfigurationFromUnstructured(u),
		client.FieldOwner(dittofsv1alpha1.FieldManager), client.ForceOwnership, client.DryRunAll)
	if err != nil {
		return fmt.Errorf("try %s %s: %w", req.Kind.GVK.Kind, req.Name, err)
	}
	return nil
}
