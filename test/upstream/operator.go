// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package upstream plays the DittoFS operator: its kind, an object of it, and everything that the operator makes of one.
// In: a client, a namespace and a name. Out: objects with a controller ownerReference, written by plain updates under the
// manager of the operator's binary, which writes whole objects at each pass.
// It is never part of the product, and no code of the operator is in it.
package upstream

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Manager is the field manager of the operator: the name of its binary.
const Manager = "manager"

// Kind is the kind of the operator.
var Kind = schema.GroupVersionKind{Group: "dittofs.dittofs.com", Version: "v1alpha1", Kind: "DittoServer"}

//go:embed testdata
var testdata embed.FS

// Operator is one server of the operator.
type Operator struct {
	Client          client.Client
	Namespace, Name string
	// Parts are the files below testdata that the operator makes, without their ending. Default: objects.
	Parts []string
	// Change edits each object before it is written, for a server that is set up otherwise.
	Change func(client.Object)
}

// Install gives the cluster the kind of the operator.
func Install(ctx context.Context, c client.Client) error {
	definitions, err := read("crd", "", "")
	if err != nil {
		return err
	}
	if err := c.Create(ctx, definitions[0]); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("install the kind of the operator: %w", err)
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(Kind)
	return wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		return c.List(ctx, list) == nil, nil
	})
}

// Create stores the operator's DittoServer, and makes of it what the operator makes.
func (o Operator) Create(ctx context.Context) (*unstructured.Unstructured, error) {
	servers, err := read("dittoserver", o.Namespace, o.Name)
	if err != nil {
		return nil, err
	}
	server := servers[0].(*unstructured.Unstructured)
	if err := o.Client.Create(ctx, server, client.FieldOwner("kubectl-create")); err != nil {
		return nil, fmt.Errorf("create the DittoServer of the operator: %w", err)
	}
	return server, o.Reconcile(ctx, server)
}

// Existing is the operator's DittoServer that somebody has stored.
func (o Operator) Existing(ctx context.Context) (*unstructured.Unstructured, error) {
	server := &unstructured.Unstructured{}
	server.SetGroupVersionKind(Kind)
	return server, o.Client.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: o.Name}, server)
}

// Reconcile is one pass of the operator over its DittoServer.
func (o Operator) Reconcile(ctx context.Context, server *unstructured.Unstructured) error {
	parts := o.Parts
	if parts == nil {
		parts = []string{"objects"}
	}
	for _, part := range parts {
		objects, err := read(part, o.Namespace, o.Name)
		if err != nil {
			return err
		}
		for _, object := range objects {
			if o.Change != nil {
				o.Change(object)
			}
			if err := o.ensure(ctx, server, object); err != nil {
				return err
			}
		}
	}
	return nil
}

// ensure writes an object as the operator does: what is there is overwritten in the fields that it sets.
func (o Operator) ensure(ctx context.Context, server *unstructured.Unstructured, want client.Object) error {
	want.SetNamespace(o.Namespace)
	want.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: Kind.GroupVersion().String(), Kind: Kind.Kind, Name: server.GetName(), UID: server.GetUID(),
		Controller: ptr.To(true), BlockOwnerDeletion: ptr.To(true),
	}})
	live, ok := want.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("%T is no object", want)
	}
	err := o.Client.Get(ctx, client.ObjectKeyFromObject(want), live)
	if apierrors.IsNotFound(err) {
		return o.Client.Create(ctx, want, client.FieldOwner(Manager))
	} else if err != nil {
		return err
	}
	live.SetOwnerReferences(want.GetOwnerReferences())
	switch l := live.(type) {
	case *corev1.ConfigMap:
		l.Data = want.(*corev1.ConfigMap).Data
	case *corev1.Service:
		l.Labels = want.GetLabels()
		l.Spec.Type, l.Spec.Selector = want.(*corev1.Service).Spec.Type, want.(*corev1.Service).Spec.Selector
		l.Spec.Ports = withNodePorts(want.(*corev1.Service).Spec.Ports, l.Spec.Ports)
	case *networkingv1.NetworkPolicy:
		l.Labels, l.Spec = maps.Clone(want.GetLabels()), want.(*networkingv1.NetworkPolicy).Spec
	case *appsv1.StatefulSet:
		l.Spec = want.(*appsv1.StatefulSet).Spec
	}
	return o.Client.Update(ctx, live, client.FieldOwner(Manager))
}

// withNodePorts keeps the node ports that the cluster has given.
func withNodePorts(want, live []corev1.ServicePort) []corev1.ServicePort {
	for i := range want {
		for _, l := range live {
			if l.Port == want[i].Port && l.Protocol == want[i].Protocol {
				want[i].NodePort = l.NodePort
			}
		}
	}
	return want
}

// read decodes a file, into typed objects where there is a type.
func read(part, namespace, name string) ([]client.Object, error) {
	text, err := testdata.ReadFile("testdata/" + part + ".yaml")
	if err != nil {
		return nil, err
	}
	replaced := strings.NewReplacer("NAMESPACE", namespace, "NAME", name).Replace(string(text))
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(replaced)), 4096)
	var out []client.Object
	for {
		plain := &unstructured.Unstructured{}
		if err := decoder.Decode(plain); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("decode %s.yaml: %w", part, err)
		}
		typed, err := scheme.Scheme.New(plain.GroupVersionKind())
		if err != nil {
			out = append(out, plain) // a kind of a definition
			continue
		}
		object, ok := typed.(client.Object)
		if !ok {
			return nil, fmt.Errorf("%T is no object", typed)
		}
		encoded, err := plain.MarshalJSON()
		if err != nil {
			return nil, err
		}
		if err := utilyaml.Unmarshal(encoded, object); err != nil {
			return nil, fmt.Errorf("decode %s %s: %w", plain.GetKind(), plain.GetName(), err)
		}
		out = append(out, object)
	}
}
