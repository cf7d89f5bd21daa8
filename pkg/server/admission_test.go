// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
	genericapiserver "k8s.io/apiserver/pkg/server"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/compatibility"
	baseversion "k8s.io/component-base/version"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// recordingHost is a host cluster that has nothing and remembers what it was asked for.
type recordingHost struct {
	mu sync.Mutex
	// listed and watched, cluster-wide, by informers.
	listed map[schema.GroupResource]bool
	// lookUps are all other requests.
	lookUps []string
}

func (h *recordingHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	h.mu.Lock()
	switch {
	case r.Method == http.MethodGet && len(parts) == 3 && parts[0] == "api":
		h.listed[schema.GroupResource{Resource: parts[2]}] = true
	case r.Method == http.MethodGet && len(parts) == 4 && parts[0] == "apis":
		h.listed[schema.GroupResource{Group: parts[1], Resource: parts[3]}] = true
	default:
		h.lookUps = append(h.lookUps, r.Method+" "+r.URL.Path)
	}
	h.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Query().Get("watch") != "" {
		// Not even a watch with initial events: the informer lists then.
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Invalid","code":422}`)
		return
	}
	_, _ = io.WriteString(w, `{"metadata":{"resourceVersion":"1"},"items":[]}`)
}

// noClasses is a store without classes.
type noClasses struct{}

func (noClasses) Get(context.Context, string) (*dittofsv1alpha1.DittoServerClass, error) {
	return nil, nil
}

func (noClasses) OfClass(context.Context, string, string) ([]dittofsv1alpha1.DittoServer, error) {
	return nil, nil
}

func (noClasses) Default(context.Context) (*dittofsv1alpha1.DittoServerClass, error) {
	return nil, nil
}

// news are the look-ups since the last call.
func (h *recordingHost) news() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	news := h.lookUps
	h.lookUps = nil
	return news
}

// newChain is the admission chain of the server, its informers filled.
func newChain(t *testing.T, known *identities) (*recordingHost, admission.Interface) {
	t.Helper()
	host := &recordingHost{listed: map[schema.GroupResource]bool{}}
	listener := httptest.NewServer(host)
	t.Cleanup(listener.Close)
	connection := &rest.Config{Host: listener.URL, QPS: -1}
	client, err := kubernetes.NewForConfig(connection)
	if err != nil {
		t.Fatal(err)
	}
	dynamicClient, err := dynamic.NewForConfig(connection)
	if err != nil {
		t.Fatal(err)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	config := genericapiserver.NewRecommendedConfig(newCodecs(NewScheme()))
	config.Authorization.Authorizer = authorizerOf(known)
	initializers, err := newInitializers(connection, noClasses{}, &clientv3.Client{}, "/registry/", true)
	if err != nil {
		t.Fatal(err)
	}
	options := NewOptions()
	if err := options.Features.ApplyTo(&config.Config, client, factory); err != nil {
		t.Fatal(err)
	}
	if err := options.Admission.ApplyTo(&config.Config, factory, client, dynamicClient, utilfeature.DefaultFeatureGate,
		compatibility.NewEffectiveVersionFromString(baseversion.DefaultKubeBinaryVersion, "", ""), initializers); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(func() {
		cancel()
		factory.Shutdown()
	})
	factory.Start(ctx.Done())
	for informer, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			t.Errorf("the informer of %v did not list", informer)
		}
	}
	return host, config.AdmissionControl
}

// A status write per look at a server, with a question to the host for each,
// would be a load on it. Whatever is in the object: it is not the spec that is written.
func TestWhatOurControllersWriteIsNotReviewed(t *testing.T) {
	known := newIdentities()
	host, chain := newChain(t, known)
	before := &dittofsv1alpha1.DittoServer{}
	before.Name, before.Namespace = "files", "team"
	after := before.DeepCopy()
	after.Spec.Image, after.Spec.ServiceAccountName = "another", "another"
	after.Spec.Storage.MetadataSize = after.Spec.Storage.ControlPlaneSize
	after.Annotations = map[string]string{dittofsv1alpha1.AnnotationAdopt: "true"}
	questions := func(operation admission.Operation, subresource string, by user.Info) []string {
		t.Helper()
		var object runtime.Object
		if operation != admission.Delete {
			object = after
		}
		host.news()
		err := chain.(admission.ValidationInterface).Validate(t.Context(), admission.NewAttributesRecord(object, before,
			dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer"), "team", "files",
			dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoservers"), subresource, operation, nil, false, by), nil)
		asked := host.news()
		if err != nil && len(asked) == 0 {
			t.Errorf("%s of %q: %v", operation, subresource, err)
		}
		return asked
	}
	for _, c := range []struct {
		operation   admission.Operation
		subresource string
		by          user.Info
	}{
		{admission.Update, "status", known.controller.user},
		{admission.Update, "finalize", known.controller.user},
		{admission.Delete, "", known.sweeper.user},
		{admission.Update, "status", known.sweeper.user},
	} {
		if asked := questions(c.operation, c.subresource, c.by); len(asked) > 0 {
			t.Errorf("%s of %q by %s asks the host %v", c.operation, c.subresource, c.by.GetName(), asked)
		}
	}
	// The test would prove nothing if the same of a user asked nothing.
	if asked := questions(admission.Update, "", &user.DefaultInfo{Name: "jane"}); len(asked) == 0 {
		t.Error("nothing is asked about the change of a user")
	}
}
