// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package controllertest starts a real kube-apiserver for the tests of the controllers, with a stand-in for our own API.
// In go a test; out comes the connection to a cluster in which DittoServers can be stored.
// It is never part of the product.
package controllertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Plane is a running etcd and kube-apiserver. The DittoServers in it are custom resources with a status; whatever our own
// API does beyond that (defaults, finalizer, annotations) is for the test to do.
type Plane struct {
	// Config is that of a cluster admin.
	Config *rest.Config
	env    *envtest.Environment
}

// Start starts a plane. Stop it.
func Start() (*Plane, error) {
	env := &envtest.Environment{
		CRDs:                  []*apiextensionsv1.CustomResourceDefinition{dittoServers(), classes()},
		BinaryAssetsDirectory: os.Getenv("KUBEBUILDER_ASSETS"),
	}
	if env.BinaryAssetsDirectory == "" {
		_, file, _, _ := runtime.Caller(0)
		env.BinaryAssetsDirectory = filepath.Join(filepath.Dir(file), "..", "..", "..", ".local", "bin")
	}
	for _, binary := range []string{"etcd", "kube-apiserver"} {
		if _, err := os.Stat(filepath.Join(env.BinaryAssetsDirectory, binary)); err != nil {
			return nil, fmt.Errorf("these tests need %s: run make controlplane, or set KUBEBUILDER_ASSETS: %w", binary, err)
		}
	}
	// Nobody deletes the Services of a test: 254 addresses, the default, are not enough for all of them.
	env.ControlPlane.GetAPIServer().Configure().Set("service-cluster-ip-range", "10.0.0.0/16")
	config, err := env.Start()
	if err != nil {
		return nil, fmt.Errorf("start kube-apiserver: %w", err)
	}
	config.QPS = -1
	return &Plane{Config: config, env: env}, nil
}

// Stop ends the plane and removes its data.
func (p *Plane) Stop() error { return p.env.Stop() }

// Loopback is the connection to the stand-in of our own API.
func (p *Plane) Loopback() *rest.Config {
	config := rest.CopyConfig(p.Config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return finalizer{next} })
	return config
}

// finalizer answers the subresource finalize, which custom resources do not have, by a patch of the finalizers and of the
// one annotation that the subresource takes away.
type finalizer struct{ next http.RoundTripper }

func (f finalizer) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodPut || !strings.HasSuffix(req.URL.Path, "/finalize") {
		return f.next.RoundTrip(req)
	}
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if err := req.Body.Close(); err != nil {
		return nil, err
	}
	var body struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, err
	}
	finalizers := body.Metadata.Finalizers
	if finalizers == nil {
		finalizers = []string{}
	}
	metadata := map[string]any{
		"finalizers": finalizers, "resourceVersion": body.Metadata.ResourceVersion, "uid": body.Metadata.UID,
	}
	if _, asked := body.Metadata.Annotations[dittofsv1alpha1.AnnotationRollout]; !asked {
		metadata["annotations"] = map[string]any{dittofsv1alpha1.AnnotationRollout: nil}
	}
	patch, err := json.Marshal(map[string]any{"metadata": metadata})
	if err != nil {
		return nil, err
	}
	out := req.Clone(req.Context())
	out.Method = http.MethodPatch
	out.URL.Path = strings.TrimSuffix(req.URL.Path, "/finalize")
	out.Header.Set("Content-Type", "application/merge-patch+json")
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(patch)), int64(len(patch))
	return f.next.RoundTrip(out)
}

func dittoServers() *apiextensionsv1.CustomResourceDefinition {
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "dittoservers.dittofs.io"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "dittofs.io",
			Names: apiextensionsv1.CustomResourceDefinitionNames{
				Plural: "dittoservers", Singular: "dittoserver", Kind: "DittoServer", ListKind: "DittoServerList",
			},
			Scope: apiextensionsv1.NamespaceScoped,
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1alpha1", Served: true, Storage: true,
				Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}},
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type: "object", XPreserveUnknownFields: ptr.To(true),
				}},
			}},
		},
	}
}

// classes of servers: controllers only read them.
func classes() *apiextensionsv1.CustomResourceDefinition {
	definition := dittoServers()
	definition.Name = "dittoserverclasses.dittofs.io"
	definition.Spec.Scope = apiextensionsv1.ClusterScoped
	definition.Spec.Names = apiextensionsv1.CustomResourceDefinitionNames{
		Plural: "dittoserverclasses", Singular: "dittoserverclass", Kind: "DittoServerClass", ListKind: "DittoServerClassList",
	}
	definition.Spec.Versions[0].Subresources = nil
	return definition
}
