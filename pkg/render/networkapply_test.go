// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/managedfields/managedfieldstest"
	"k8s.io/client-go/applyconfigurations"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// What is extracted from an applied object must be what was sent, or it would be sent again and again.
func TestNetworkObjectsComeBackAsTheyWereSent(t *testing.T) {
	for _, tc := range networked {
		t.Run(tc.name, func(t *testing.T) {
			server := &v1alpha1.DittoServer{}
			readYAML(t, "network/"+tc.file+".in.yaml", server)
			objects := network(t, server, render.Inputs{Adapters: tc.adapters, ControllerPeers: tc.peers})
			for _, sent := range inOrder(objects) {
				if _, untyped := sent.(*unstructured.Unstructured); untyped {
					continue
				}
				got, err := appliedAndExtracted(t, sent)
				if err != nil {
					t.Errorf("%T: %v", sent, err)
					continue
				}
				if diff := cmp.Diff(string(documents(t, sent)), string(documents(t, got))); diff != "" {
					t.Errorf("-sent +extracted:\n%s", diff)
				}
			}
		})
	}
}

func appliedAndExtracted(t *testing.T, sent any) (any, error) {
	t.Helper()
	content := map[string]any{}
	typed(t, sent, &content)
	object := &unstructured.Unstructured{Object: content}
	live := managedfieldstest.NewTestFieldManager(applyconfigurations.NewTypeConverter(scheme.Scheme), object.GroupVersionKind())
	if err := live.Apply(object, v1alpha1.FieldManager, true); err != nil {
		return nil, err
	}
	applied, ok := live.Live().(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("live is %T", live.Live())
	}
	from := func(into any) error {
		return runtime.DefaultUnstructuredConverter.FromUnstructured(applied.Object, into)
	}
	switch sent.(type) {
	case *corev1ac.ServiceApplyConfiguration:
		service := &corev1.Service{}
		if err := from(service); err != nil {
			return nil, err
		}
		return corev1ac.ExtractService(service, v1alpha1.FieldManager)
	case *networkingv1ac.IngressApplyConfiguration:
		ingress := &networkingv1.Ingress{}
		if err := from(ingress); err != nil {
			return nil, err
		}
		return networkingv1ac.ExtractIngress(ingress, v1alpha1.FieldManager)
	case *networkingv1ac.NetworkPolicyApplyConfiguration:
		policy := &networkingv1.NetworkPolicy{}
		if err := from(policy); err != nil {
			return nil, err
		}
		return networkingv1ac.ExtractNetworkPolicy(policy, v1alpha1.FieldManager)
	}
	return nil, fmt.Errorf("nobody extracts a %T", sent)
}
