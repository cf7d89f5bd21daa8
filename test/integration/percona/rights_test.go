// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package percona_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
	"github.com/dittofs/dittofs-apiserver/test/standin/perconaoperator"
)

var serviceMonitors = schema.GroupVersionResource{Group: "monitoring.coreos.com", Version: "v1", Resource: "servicemonitors"}

// installServiceMonitors gives the cluster the kind, as an operator for Prometheus would.
func installServiceMonitors(t *testing.T) {
	t.Helper()
	open := map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
	definition := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": serviceMonitors.Resource + "." + serviceMonitors.Group},
		"spec": map[string]any{
			"group": serviceMonitors.Group, "scope": "Namespaced",
			"names": map[string]any{"plural": serviceMonitors.Resource, "singular": "servicemonitor", "kind": "ServiceMonitor", "listKind": "ServiceMonitorList"},
			"versions": []any{map[string]any{"name": serviceMonitors.Version, "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "properties": map[string]any{"spec": open}}}}},
		},
	}}
	definitions := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	if _, err := cluster.Admin.Dynamic.Resource(definitions).Create(t.Context(), definition, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// Least rights, in both directions: with a right missing, a step of this life of a server ends in ApplyRefused; a right that
// no step uses is one too many. harness.controllerRights says which rights that are; what is used elsewhere is named there.
func TestTheControllersUseEveryRightOfTheirRole(t *testing.T) {
	t.Parallel()
	installServiceMonitors(t)
	s := onPercona(t, func(server *dittofsv1alpha1.DittoServer) {
		server.Spec.AdapterServices.Type = corev1.ServiceTypeClusterIP // no load balancer to wait for
		server.Spec.ControlPlane.Ingress = &dittofsv1alpha1.IngressSpec{Host: "files.example.com"}
		server.Spec.Metrics = &dittofsv1alpha1.MetricsSpec{Enabled: true, ServiceMonitor: &dittofsv1alpha1.ServiceMonitorSpec{Enabled: true}}
		server.Spec.NodeSelector = map[string]string{"example.com/node": "there-is-none"}
		server.Spec.DeletionPolicy = dittofsv1alpha1.DeletionPolicy{Volumes: dittofsv1alpha1.DeleteData, Database: dittofsv1alpha1.DeleteData}
	})
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "files"}, Spec: corev1.ResourceQuotaSpec{
		Hard: corev1.ResourceList{dittofsv1alpha1.QuotaStorage: resource.MustParse("100Gi")},
	}}
	if _, err := cluster.Admin.Kube.CoreV1().ResourceQuotas(s.Namespace).Create(t.Context(), quota, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	cluster.PerconaOperator(t, s.Namespace)
	besideOthers(t)

	// The pod that finds no node is deleted once the spec is mended: the StatefulSet would wait for it.
	s.AwaitCondition(t, dittofsv1alpha1.ConditionAvailable, metav1.ConditionFalse, "PodUnschedulable")
	pod := s.Pod(t)
	s.Patch(t, `{"spec":{"nodeSelector":null}}`)
	s.AwaitNewPod(t, pod)
	s.AwaitReadyWithin(t, 2*harness.PatienceLimit)

	// An edit of each object that there is.
	s.Patch(t, `{"spec":{"logging":{"level":"WARN"},"service":{"annotations":{"example.com/a":"b"}},"percona":{"replicas":2},
		"networkPolicy":{"apiSources":[{"podSelector":{}}]},"metrics":{"serviceMonitor":{"interval":"45s"}},
		"controlPlane":{"ingress":{"annotations":{"example.com/a":"b"}}},"storage":{"metadataSize":"2Gi"}}}`)
	s.AwaitReadyWithin(t, 2*harness.PatienceLimit)
	awaitEdits(t, s)
	// A volume that the claim templates of the StatefulSet do not have.
	s.Patch(t, `{"spec":{"storage":{"contentSize":"1Gi"}}}`)
	harness.Eventually(t, "there is a claim for content", func(ctx context.Context) error {
		_, err := cluster.Admin.Kube.CoreV1().PersistentVolumeClaims(s.Namespace).Get(ctx, "content-files-0", metav1.GetOptions{})
		return err
	})
	s.AwaitReadyWithin(t, 2*harness.PatienceLimit)
	// Twice the same news about the same version of an object: the second is counted on the event of the first.
	version := s.Get(t).ResourceVersion
	for i := range 3 {
		takeAnnotation(t, s, i)
	}
	if now := s.Get(t).ResourceVersion; now != version {
		t.Logf("the DittoServer was written meanwhile: version %s, was %s", now, version)
	}
	s.Delete(t)
	harness.Eventually(t, "the database and the volumes are deleted with the server", func(ctx context.Context) error {
		claims, err := cluster.Admin.Kube.CoreV1().PersistentVolumeClaims(s.Namespace).List(ctx, metav1.ListOptions{LabelSelector: dittofsv1alpha1.LabelInstance + "=files"})
		if err != nil {
			return err
		}
		for _, claim := range claims.Items {
			if claim.DeletionTimestamp == nil {
				return fmt.Errorf("claim %s is there", claim.Name)
			}
		}
		return nil
	})
	harness.Eventually(t, "every right was used", func(context.Context) error {
		return cluster.UnusedRights(t)
	})
}

// besideOthers has a server find objects of somebody else under its names: then it looks what they are.
func besideOthers(t *testing.T) {
	t.Helper()
	other := cluster.Subject(cluster.Namespace(t), "other")
	port := map[string]any{"port": int64(1)}
	for _, o := range []struct {
		group, version, resource, kind, name string
		spec                                 map[string]any
	}{
		{"", "v1", "configmaps", "ConfigMap", "other-config", nil},
		{"", "v1", "services", "Service", "other-headless", map[string]any{"ports": []any{port}}},
		{"apps", "v1", "statefulsets", "StatefulSet", "other", map[string]any{
			"replicas": int64(0), "serviceName": "x", "selector": map[string]any{"matchLabels": map[string]any{"a": "b"}},
			"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"a": "b"}}, "spec": map[string]any{"containers": []any{map[string]any{"name": "c", "image": "i"}}}},
		}},
		{"networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", "other-baseline", map[string]any{"podSelector": map[string]any{}}},
		{"networking.k8s.io", "v1", "ingresses", "Ingress", "other-api", map[string]any{"defaultBackend": map[string]any{"service": map[string]any{"name": "x", "port": map[string]any{"number": int64(1)}}}}},
		{serviceMonitors.Group, serviceMonitors.Version, serviceMonitors.Resource, "ServiceMonitor", "other-metrics", map[string]any{}},
	} {
		gvr := schema.GroupVersionResource{Group: o.group, Version: o.version, Resource: o.resource}
		object := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": gvr.GroupVersion().String(), "kind": o.kind, "metadata": map[string]any{"name": o.name},
		}}
		if o.spec != nil {
			object.Object["spec"] = o.spec
		}
		harness.Eventually(t, "there is another "+o.kind, func(ctx context.Context) error {
			_, err := cluster.Admin.Dynamic.Resource(gvr).Namespace(other.Namespace).Create(ctx, object, metav1.CreateOptions{})
			return err
		})
	}
	other.Create(t, func(server *dittofsv1alpha1.DittoServer) {
		server.Spec.ControlPlane.Ingress = &dittofsv1alpha1.IngressSpec{Host: "other.example.com"}
		server.Spec.Metrics = &dittofsv1alpha1.MetricsSpec{Enabled: true, ServiceMonitor: &dittofsv1alpha1.ServiceMonitorSpec{Enabled: true}}
	})
	other.AwaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "NameConflict")
}

// awaitEdits waits until the edit has reached the objects that no condition speaks of.
func awaitEdits(t *testing.T, s harness.Subject) {
	t.Helper()
	harness.Eventually(t, "the edit has reached every object", func(ctx context.Context) error {
		kube := cluster.Admin.Kube
		ingresses, err := kube.NetworkingV1().Ingresses(s.Namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		monitors, err := cluster.Admin.Dynamic.Resource(serviceMonitors).Namespace(s.Namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		claim, err := kube.CoreV1().PersistentVolumeClaims(s.Namespace).Get(ctx, "metadata-files-0", metav1.GetOptions{})
		if err != nil {
			return err
		}
		switch {
		case len(ingresses.Items) != 1 || !annotated(ingresses.Items[0]):
			return fmt.Errorf("the ingresses are %v", ingresses.Items)
		case len(monitors.Items) != 1:
			return fmt.Errorf("there are %d ServiceMonitors", len(monitors.Items))
		case claim.Spec.Resources.Requests.Storage().String() != "2Gi":
			return errors.New("the claim has not grown")
		}
		found, err := cluster.FindPerconaCluster(ctx, s.Namespace, "files-postgres")
		if err == nil && instance(found, "replicas") != int64(2) {
			err = fmt.Errorf("the cluster has %v replicas", perconaoperator.At(found, "spec", "instances"))
		}
		return err
	})
}

func annotated(ingress networkingv1.Ingress) bool { return ingress.Annotations["example.com/a"] == "b" }

// takeAnnotation changes the Service by hand and waits until it is put back, which is an event of its own.
func takeAnnotation(t *testing.T, s harness.Subject, i int) {
	t.Helper()
	services := cluster.Admin.Kube.CoreV1().Services(s.Namespace)
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"example.com/a":"by-hand-%d"}}}`, i)
	if _, err := services.Patch(t.Context(), "files-api", types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "somebody"}); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the Service is put back", func(ctx context.Context) error {
		service, err := services.Get(ctx, "files-api", metav1.GetOptions{})
		if err == nil && service.Annotations["example.com/a"] != "b" {
			err = errors.New("it has " + service.Annotations["example.com/a"])
		}
		return err
	})
}
