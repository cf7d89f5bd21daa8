// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
)

const fieldManager = "dittofs-apiserver"

var apiServices = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}

// apiService is read without its Go type, which would bring in the module of the aggregator.
type apiService struct{ object *unstructured.Unstructured }

// bundle is what is trusted now; nothing of an APIService that is not known.
func (s *apiService) bundle() []byte {
	if s == nil {
		return nil
	}
	encoded, _, _ := unstructured.NestedString(s.object.Object, "spec", "caBundle")
	bundle, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	return bundle
}

// leadsTo tells whether the APIService is for the Service.
func (s *apiService) leadsTo(namespace, name string) bool {
	gotNamespace, _, _ := unstructured.NestedString(s.object.Object, "spec", "service", "namespace")
	gotName, _, _ := unstructured.NestedString(s.object.Object, "spec", "service", "name")
	return gotNamespace == namespace && gotName == name
}

// publish makes the APIService trust the bundle. One that leads elsewhere is somebody else's.
func (k *Keeper) publish(ctx context.Context, service *apiService, bundle []byte) error {
	if sameBundle(service.bundle(), bundle) {
		return nil
	}
	if !service.leadsTo(k.config.Namespace, k.config.Service) {
		return fmt.Errorf("APIService %s does not lead to Service %s/%s: its caBundle is left as it is",
			k.config.APIService, k.config.Namespace, k.config.Service)
	}
	patch, err := json.Marshal(map[string]any{
		// Over the version that was read: a replica that is behind must not take back what another has written.
		"metadata": map[string]any{"resourceVersion": service.object.GetResourceVersion()},
		"spec":     map[string]any{"caBundle": base64.StdEncoding.EncodeToString(bundle)},
	})
	if err != nil {
		return fmt.Errorf("encode the patch of APIService %s: %w", k.config.APIService, err)
	}
	if _, err := k.config.Dynamic.Resource(apiServices).Patch(ctx, k.config.APIService, types.MergePatchType, patch,
		metav1.PatchOptions{FieldManager: fieldManager}); err != nil {
		return fmt.Errorf("patch APIService %s: %w", k.config.APIService, err)
	}
	klog.InfoS("Wrote the caBundle", "apiservice", k.config.APIService, "authorities", len(decodeBundle(bundle)))
	return nil
}
