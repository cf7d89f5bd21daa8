// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	restclient "k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
	generatedopenapi "github.com/dittofs/dittofs-apiserver/pkg/generated/openapi"
	"github.com/dittofs/dittofs-apiserver/pkg/registry/dittoserver"
	"github.com/dittofs/dittofs-apiserver/pkg/server"
)

const (
	collection = "/apis/dittofs.io/v1alpha1/namespaces/" + namespace + "/dittoservers"
	one        = collection + "/files"
	// key is where the store has the object of that path.
	key = "/registry/dittofs.io/dittoservers/" + namespace + "/files"
)

// api is the API of the product in this process: the library's handlers, our
// storage and the embedded etcd. There is no listener, no host cluster, and so
// neither authentication nor admission.
type api struct {
	handler http.Handler
	etcd    *clientv3.Client
}

func newAPI(t testing.TB) *api {
	t.Helper()
	quiet()
	store, err := etcd.Start(t.Context(), etcd.Config{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{store.Endpoint()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	a := &api{etcd: client}
	handler, stop, err := build(store.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop) // before the store that it is a client of
	a.handler = handler
	return a
}

// build puts the server together as pkg/server does, as far as requests meet it.
func build(endpoint string) (handler http.Handler, stop func(), err error) {
	scheme := server.NewScheme()
	codecs := serializer.NewCodecFactory(scheme)
	config := genericapiserver.NewConfig(codecs)
	config.LoopbackClientConfig = &restclient.Config{Host: "https://127.0.0.1:443"}
	namer := openapi.NewDefinitionNamer(scheme)
	config.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(generatedopenapi.GetOpenAPIDefinitions, namer)
	config.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(generatedopenapi.GetOpenAPIDefinitions, namer)
	options := server.NewOptions()
	options.Etcd.StorageConfig.Transport.ServerList = []string{endpoint}
	if err := options.ServerRun.ApplyTo(config); err != nil {
		return nil, nil, err
	}
	// Of a listener that there is not.
	config.ExternalAddress, config.PublicAddress = "127.0.0.1:443", net.IPv4(127, 0, 0, 1)
	if err := options.Etcd.ApplyTo(config); err != nil {
		return nil, nil, err
	}
	generic, err := config.Complete(nil).New("fuzz", genericapiserver.NewEmptyDelegate())
	if err != nil {
		return nil, nil, err
	}
	storage, err := dittoserver.NewStorage(scheme, config.RESTOptionsGetter)
	if err != nil {
		return nil, nil, err
	}
	group := genericapiserver.NewDefaultAPIGroupInfo(dittofsv1alpha1.SchemeGroupVersion.Group, scheme, runtime.NewParameterCodec(scheme), codecs)
	group.VersionedResourcesStorageMap[dittofsv1alpha1.SchemeGroupVersion.Version] = map[string]rest.Storage{
		"dittoservers":        storage.DittoServer,
		"dittoservers/status": storage.Status,
		"dittoservers/scale":  storage.Scale,
	}
	return generic.Handler, storage.DittoServer.Destroy, generic.InstallAPIGroup(&group)
}

// send makes a request and fails on what no request may be answered with: 500,
// which a panic becomes too, or an answer that is no JSON.
func (a *api) send(t testing.TB, method, path, mediaType string, body []byte) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	request := httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(body))
	request.Header.Set("Content-Type", mediaType)
	request.Header.Set("User-Agent", "fuzz")
	recorder := httptest.NewRecorder()
	a.handler.ServeHTTP(recorder, request)
	result := answer{code: recorder.Code, body: recorder.Body.Bytes()}
	if result.code >= http.StatusInternalServerError {
		t.Fatalf("%s %s %q is answered with %d: %s", method, path, body, result.code, result.body)
	}
	if err := json.Unmarshal(result.body, &result.object); err != nil {
		t.Fatalf("%s %s %q is answered with %d and no JSON (%v): %s", method, path, body, result.code, err, result.body)
	}
	return result
}

// get reads in the form that accept names.
func (a *api) get(t testing.TB, path, accept string) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	request.Header.Set("Accept", accept)
	recorder := httptest.NewRecorder()
	a.handler.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusOK {
		t.Fatalf("GET %s as %s is answered with %d: %s", path, accept, recorder.Code, recorder.Body)
	}
}

// create stores a document and returns what the store has of it, to be put back by reset.
func (a *api) create(t testing.TB, document string) []byte {
	t.Helper()
	if created := a.send(t, http.MethodPost, collection, runtime.ContentTypeYAML, []byte(document)); created.code != http.StatusCreated {
		t.Fatalf("the document is refused with %d: %s", created.code, created.body)
	}
	// Rules on transitions look at servers that have been set up.
	setUp := []byte(`{"status":{"configHash":"set-up","phase":"Running"}}`)
	if patched := a.send(t, http.MethodPatch, one+"/status", "application/merge-patch+json", setUp); patched.code != http.StatusOK {
		t.Fatalf("the status is refused with %d: %s", patched.code, patched.body)
	}
	stored, err := a.etcd.Get(t.Context(), key)
	if err != nil || len(stored.Kvs) != 1 {
		t.Fatalf("the store has %v at %s (%v)", stored, key, err)
	}
	return stored.Kvs[0].Value
}

// reset writes past the API, so that every run of a fuzz target meets the same object.
func (a *api) reset(t testing.TB, stored []byte) {
	t.Helper()
	if _, err := a.etcd.Put(t.Context(), key, string(stored)); err != nil {
		t.Fatal(err)
	}
}

// answer is what a request is answered with.
type answer struct {
	code   int
	body   []byte
	object metav1.PartialObjectMetadata
}

// quiet keeps the access log and the library's complaints about requests out of the output.
func quiet() {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	_ = flags.Set("logtostderr", "false")
	_ = flags.Set("stderrthreshold", "FATAL")
	klog.SetOutput(io.Discard)
}
