// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// UpstreamGroup is the API group of the DittoFS operator.
const UpstreamGroup = "dittofs.dittofs.com"

// HeldUpstream says that an object has an ownerReference to a kind of the DittoFS operator. While it has, that operator may
// write it at any time, and the garbage collector deletes it with its owner: two who change it would undo each other's work.
func HeldUpstream(obj metav1.Object) bool {
	return slices.ContainsFunc(obj.GetOwnerReferences(), func(ref metav1.OwnerReference) bool {
		gv, err := schema.ParseGroupVersion(ref.APIVersion)
		return err == nil && gv.Group == UpstreamGroup
	})
}

// Label puts labels on an object that is not ours yet, and what else add writes into the apply configuration. What we own
// of the object already is sent along as it is: leaving it out would delete it. Exactly the live version is changed, or
// nothing is.
func (a *Applier) Label(ctx context.Context, req Request, live client.Object, labels map[string]string, add func(map[string]any)) (Result, error) {
	res := Result{APIVersion: req.Kind.GVK.GroupVersion().String(), Kind: req.Kind.GVK.Kind, Name: req.Name, Action: Unchanged, Live: live}
	owned, err := req.Kind.owned(live)
	if err != nil {
		return res, err
	}
	object := owned.sent
	metadata, ok := object["metadata"].(map[string]any)
	if !ok {
		return res, fmt.Errorf("what is ours of %s %s has no name", res.Kind, res.Name)
	}
	put := map[string]any{}
	if have, ok := metadata["labels"].(map[string]any); ok {
		put = have
	}
	for key, value := range labels {
		put[key] = value
	}
	metadata["labels"] = put
	if add != nil {
		add(object)
	}
	want, err := toFields(object)
	if err != nil {
		return res, fmt.Errorf("encode the wanted %s %s: %w", res.Kind, res.Name, err)
	}
	return a.change(ctx, req, res, want, live)
}

// TakeOver makes the fields ours that others have set by plain updates, so that the next apply takes those away that are
// not wanted. An apply alone would leave them: they belong to whoever set them, whether that is still there or not.
// live becomes what the API answers.
func (a *Applier) TakeOver(ctx context.Context, live client.Object) error {
	managers, err := updaters(live)
	if err != nil || managers.Len() == 0 {
		return err
	}
	patch, err := csaupgrade.UpgradeManagedFieldsPatch(live, managers, dittofsv1alpha1.FieldManager)
	if err != nil || len(patch) == 0 {
		return err
	}
	return a.Writer.Patch(ctx, live, client.RawPatch(types.JSONPatchType, patch))
}

// Preview names the fields that an apply of want would change after TakeOver.
func Preview(kind Kind, live client.Object, want any) ([]string, error) {
	after, ok := live.DeepCopyObject().(client.Object)
	if !ok {
		return nil, fmt.Errorf("%T is no object", live)
	}
	managers, err := updaters(after)
	if err != nil {
		return nil, err
	}
	if err := csaupgrade.UpgradeManagedFields(after, managers, dittofsv1alpha1.FieldManager); err != nil {
		return nil, fmt.Errorf("take over %s %s: %w", kind.GVK.Kind, live.GetName(), err)
	}
	have, err := kind.owned(after)
	if err != nil {
		return nil, err
	}
	wanted, err := toFields(want)
	if err != nil {
		return nil, fmt.Errorf("encode the wanted %s %s: %w", kind.GVK.Kind, live.GetName(), err)
	}
	dropDefaults(have.compare, wanted.compare)
	have.compare, _ = prune(have.compare).(map[string]any)
	have.compare, _ = byName(have.compare, "").(map[string]any)
	wanted.compare, _ = byName(wanted.compare, "").(map[string]any)
	return differences(have, wanted), nil
}

// updaters are those who have set more than metadata by plain updates: the DittoFS operator and whoever has edited its
// objects, by whatever name. Who wrote metadata only, such as the controller of a load balancer its annotations and its
// finalizer, keeps it, and so does who writes the status.
func updaters(obj client.Object) (sets.Set[string], error) {
	names := sets.New[string]()
	for _, entry := range obj.GetManagedFields() {
		if entry.Operation != metav1.ManagedFieldsOperationUpdate || entry.Subresource != "" || entry.FieldsV1 == nil {
			continue
		}
		set := &fieldpath.Set{}
		if err := set.FromJSON(bytes.NewReader(entry.FieldsV1.GetRawBytes())); err != nil {
			return nil, fmt.Errorf("decode the managed fields of %s: %w", obj.GetName(), err)
		}
		for element := range elements(set) {
			if element.FieldName != nil && *element.FieldName != "metadata" {
				names.Insert(entry.Manager)
			}
		}
	}
	return names, nil
}

// defaults are what the API writes into an object where nothing is said, as a plain update owns it too.
var defaults = map[string][]any{
	"terminationMessagePath":        {"/dev/termination-log"},
	"terminationMessagePolicy":      {"File"},
	"imagePullPolicy":               {"IfNotPresent", "Always"},
	"dnsPolicy":                     {"ClusterFirst"},
	"restartPolicy":                 {"Always"},
	"schedulerName":                 {"default-scheduler"},
	"protocol":                      {"TCP"},
	"successThreshold":              {int64(1)},
	"scheme":                        {"HTTP"},
	"apiVersion":                    {"v1"},
	"defaultMode":                   {int64(420)},
	"podManagementPolicy":           {"OrderedReady"},
	"revisionHistoryLimit":          {int64(10)},
	"sessionAffinity":               {"None"},
	"internalTrafficPolicy":         {"Cluster"},
	"externalTrafficPolicy":         {"Cluster"},
	"allocateLoadBalancerNodePorts": {true},
}

// byName turns lists whose items have names into maps, so that a difference in one item is not one in all that follow.
func byName(v any, field string) any {
	switch t := v.(type) {
	case map[string]any:
		for key, item := range t {
			t[key] = byName(item, key)
		}
	case []any:
		named := make(map[string]any, len(t))
		for _, item := range t {
			object, _ := item.(map[string]any)
			name := nameOf(object, field)
			if _, twice := named[name]; name == "" || twice {
				return t
			}
			named[name] = byName(item, field)
		}
		return named
	}
	return v
}

// nameOf is how an item of a list is called, in brackets.
func nameOf(item map[string]any, list string) string {
	for _, key := range []string{"mountPath", "name"} {
		name, ok := item[key].(string)
		if ok && (key == "name" || list == "volumeMounts") {
			return "[" + name + "]"
		}
	}
	if metadata, ok := item["metadata"].(map[string]any); ok {
		return nameOf(metadata, "")
	}
	return ""
}

// dropDefaults removes from have what want does not mention and the API would write anyway.
func dropDefaults(have, want any) {
	switch h := have.(type) {
	case map[string]any:
		w, _ := want.(map[string]any)
		for key, value := range h {
			if _, wanted := w[key]; !wanted && slices.Contains(defaults[key], value) {
				delete(h, key)
				continue
			}
			dropDefaults(value, w[key])
		}
	case []any:
		w, _ := want.([]any)
		for i := range h {
			if i < len(w) {
				dropDefaults(h[i], w[i])
			}
		}
	}
}
