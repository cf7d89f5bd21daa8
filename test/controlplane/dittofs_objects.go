// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const apiServiceName = "v1alpha1.dittofs.io"

// leftOut are the kinds by which the manifests run the server inside a cluster. Here it is a local process.
var leftOut = map[string]bool{
	"APIService": true, "Certificate": true, "Deployment": true, "Issuer": true, "PersistentVolumeClaim": true,
	"PodDisruptionBudget": true, "Service": true, "ServiceMonitor": true, "StatefulSet": true,
}

// shippedManifests reads the objects that users install, without those that run the server in a cluster.
func shippedManifests(repoDir string, components ...string) ([]*unstructured.Unstructured, error) {
	dirs := []string{filepath.Join("artifacts", "deploy", "base")}
	for _, name := range components {
		dirs = append(dirs, filepath.Join("artifacts", "deploy", "components", name))
	}
	var wanted []*unstructured.Unstructured
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(repoDir, dir, "*.yaml"))
		if err != nil {
			return nil, fmt.Errorf("list the manifests: %w", err)
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("no manifests in %s", filepath.Join(repoDir, dir))
		}
		for _, file := range files {
			if filepath.Base(file) == "kustomization.yaml" {
				continue
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("read the manifests: %w", err)
			}
			objects, err := decodeManifest(data)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			for _, object := range objects {
				if !leftOut[object.GetKind()] {
					wanted = append(wanted, object)
				}
			}
		}
	}
	return wanted, nil
}

func (p *ControlPlane) applyShippedManifests(ctx context.Context, options DittoFSOptions) error {
	var components []string
	if options.GenerateCredentials {
		components = append(components, "generate-credentials")
	}
	objects, err := shippedManifests(options.RepoDir, components...)
	if err != nil {
		return err
	}
	for _, object := range objects {
		namespaced, err := p.client.IsObjectNamespaced(object)
		if err != nil {
			return fmt.Errorf("look up %s %s: %w", object.GetKind(), object.GetName(), err)
		}
		if namespaced && object.GetNamespace() == "" {
			object.SetNamespace(DittoFSNamespace) // as kustomize would
		}
	}
	return applyAll(ctx, p.client, objects)
}

// register points the aggregator at the local port. An ExternalName Service may name any host, localhost included.
func (d *DittoFS) register(ctx context.Context) error {
	service := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Service",
		"metadata": map[string]any{"name": dittofsName, "namespace": DittoFSNamespace},
		"spec":     map[string]any{"type": "ExternalName", "externalName": "localhost"},
	}}
	return applyAll(ctx, d.plane.client, []*unstructured.Unstructured{service, d.apiService(nil)})
}

func (d *DittoFS) apiService(annotations map[string]any) *unstructured.Unstructured {
	metadata := map[string]any{"name": apiServiceName}
	if annotations != nil {
		metadata["annotations"] = annotations
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
		"metadata": metadata,
		"spec": map[string]any{
			"group": "dittofs.io", "version": "v1alpha1",
			// CustomResourceDefinitions have 1000: the upstream operator's kind has the same name as ours.
			"groupPriorityMinimum": int64(2000), "versionPriority": int64(15),
			"caBundle": base64.StdEncoding.EncodeToString(d.caPEM),
			"service":  map[string]any{"name": dittofsName, "namespace": DittoFSNamespace, "port": int64(d.port)},
		},
	}}
}

// askAgain changes the APIService without meaning: any change makes the aggregator probe at once.
func (d *DittoFS) askAgain(ctx context.Context) error {
	changed := d.apiService(map[string]any{"local-control-plane/restarted-at": time.Now().Format(time.RFC3339Nano)})
	return applyAll(ctx, d.plane.client, []*unstructured.Unstructured{changed})
}

// waitServed waits until a user of the cluster can work with our API.
func (d *DittoFS) waitServed(ctx context.Context) error {
	discoverer, err := discovery.NewDiscoveryClientForConfig(d.plane.admin)
	if err != nil {
		return fmt.Errorf("create a discovery client: %w", err)
	}
	lister, err := dynamic.NewForConfig(d.plane.admin)
	if err != nil {
		return fmt.Errorf("create a dynamic client: %w", err)
	}
	group := schema.GroupVersion{Group: "dittofs.io", Version: "v1alpha1"}
	const resource = "dittoservers"
	runCtx, cancel := contextOf(ctx, d.process)
	defer cancel()
	return d.process.explain(waitFor(runCtx, func(ctx context.Context) error {
		if err := d.available(ctx); err != nil {
			return err
		}
		list, err := discoverer.ServerResourcesForGroupVersion(group.String())
		if err != nil {
			return fmt.Errorf("discovery of %s: %w", group, err)
		}
		if !lists(list, resource) {
			return fmt.Errorf("discovery of %s does not list %s", group, resource)
		}
		if _, err := lister.Resource(group.WithResource(resource)).List(ctx, metav1.ListOptions{Limit: 1}); err != nil {
			return fmt.Errorf("list %s: %w", resource, err)
		}
		// kubectl explain needs the schema, which the aggregator fetches on a schedule of its own.
		schemas, err := discoverer.OpenAPIV3().Paths()
		if err != nil {
			return fmt.Errorf("list the OpenAPI schemas: %w", err)
		}
		if _, ok := schemas["apis/"+group.String()]; !ok {
			return fmt.Errorf("the OpenAPI schema of %s is not published yet", group)
		}
		return nil
	}))
}

func (d *DittoFS) available(ctx context.Context) error {
	registered := d.apiService(nil)
	if err := d.plane.client.Get(ctx, client.ObjectKeyFromObject(registered), registered); err != nil {
		return fmt.Errorf("get APIService %s: %w", apiServiceName, err)
	}
	conditions, _, err := unstructured.NestedSlice(registered.Object, "status", "conditions")
	if err != nil {
		return fmt.Errorf("read APIService %s: %w", apiServiceName, err)
	}
	for _, item := range conditions {
		condition, _ := item.(map[string]any)
		if condition["type"] != "Available" {
			continue
		}
		if condition["status"] == "True" {
			return nil
		}
		return fmt.Errorf("APIService %s is not available: %v: %v", apiServiceName, condition["reason"], condition["message"])
	}
	return errors.New("APIService " + apiServiceName + " is not available yet")
}

func lists(list *metav1.APIResourceList, name string) bool {
	for _, resource := range list.APIResources {
		if resource.Name == name {
			return true
		}
	}
	return false
}
