// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package fuzz sends documents that nobody wrote through everything that a
// request meets before it is stored: decoding, defaults, the rules for a create
// and an update, encoding, and patches. It asks that nothing panics, that what is
// accepted survives a round trip, and that each refusal is the user's to mend.
package fuzz

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/google/go-cmp/cmp"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/install"
	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/registry/dittoserver"
)

// namespace is the one that requests are made in.
const namespace = "team-a"

// server is what of the API server a request meets, without network and store.
type server struct {
	scheme   *runtime.Scheme
	codecs   serializer.CodecFactory
	strategy interface {
		rest.RESTCreateStrategy
		rest.RESTUpdateStrategy
	}
}

func newServer() *server {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	return &server{scheme: scheme, codecs: serializer.NewCodecFactory(scheme), strategy: dittoserver.NewStrategy(scheme)}
}

// requestContext is what the filters leave for the handlers: declarative
// validation takes the version from it.
func requestContext() context.Context {
	ctx := genericapirequest.WithNamespace(context.Background(), namespace)
	return genericapirequest.WithRequestInfo(ctx, &genericapirequest.RequestInfo{
		IsResourceRequest: true, Namespace: namespace, Resource: "dittoservers",
		APIGroup: dittofsv1alpha1.SchemeGroupVersion.Group, APIVersion: dittofsv1alpha1.SchemeGroupVersion.Version,
	})
}

// decode reads a document as a request body, with fieldValidation=Warn: unknown
// fields are dropped, so that more documents come through. Nil: refused.
func (s *server) decode(t testing.TB, document []byte, mediaType string) *dittofsv1alpha1.DittoServer {
	t.Helper()
	info, ok := runtime.SerializerInfoForMediaType(s.codecs.SupportedMediaTypes(), mediaType)
	if !ok {
		t.Fatalf("no serializer for %s", mediaType)
	}
	kind := dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer")
	into := schema.GroupVersion{Group: kind.Group, Version: runtime.APIVersionInternal}
	object, _, err := s.codecs.DecoderToVersion(info.StrictSerializer, into).Decode(document, &kind, &dittofsv1alpha1.DittoServer{})
	if err != nil && !runtime.IsStrictDecodingError(err) {
		return nil
	}
	decoded, ok := object.(*dittofsv1alpha1.DittoServer)
	if !ok {
		return nil // another kind, which the handler refuses
	}
	s.isDefaulted(t, decoded)
	return decoded
}

// encode writes what is stored and answered.
func (s *server) encode(t testing.TB, object *dittofsv1alpha1.DittoServer) []byte {
	t.Helper()
	text, err := runtime.Encode(s.codecs.LegacyCodec(dittofsv1alpha1.SchemeGroupVersion), object)
	if err != nil {
		t.Fatalf("what was decoded cannot be encoded: %v", err)
	}
	return text
}

// create takes an object as far as the store. It returns nil if it is refused.
func (s *server) create(t testing.TB, object *dittofsv1alpha1.DittoServer) *dittofsv1alpha1.DittoServer {
	t.Helper()
	object = object.DeepCopy()
	object.Namespace = namespace
	rest.FillObjectMetaSystemFields(object)
	attempt := func() (*dittofsv1alpha1.DittoServer, error) {
		result := object.DeepCopy()
		return result, rest.BeforeCreate(s.strategy, requestContext(), result)
	}
	created, err := attempt()
	_, again := attempt()
	isRefusal(t, "create", err, again)
	if err != nil {
		return nil
	}
	// As the store does: a create has no resourceVersion, an update needs one.
	created.UID, created.ResourceVersion = types.UID("2d2ac9c3-29c3-4cb9-8bb0-8d9c36b1b2a5"), "1"
	return created
}

// update takes a change as far as the store. It returns nil if it is refused.
func (s *server) update(t testing.TB, object, old *dittofsv1alpha1.DittoServer) *dittofsv1alpha1.DittoServer {
	t.Helper()
	unchanged := old.DeepCopy()
	attempt := func() (*dittofsv1alpha1.DittoServer, error) {
		result := object.DeepCopy()
		return result, rest.BeforeUpdate(s.strategy, requestContext(), result, old)
	}
	updated, err := attempt()
	_, again := attempt()
	isRefusal(t, "update", err, again)
	if !apiequality.Semantic.DeepEqual(old, unchanged) {
		t.Fatalf("the update changed what is stored: %s", cmp.Diff(unchanged, old))
	}
	if err != nil {
		return nil
	}
	return updated
}

// survives asks that an object is the same after it was written and read, in the
// same bytes, and that nobody sees a change when it is written back unchanged.
func (s *server) survives(t testing.TB, object *dittofsv1alpha1.DittoServer) {
	t.Helper()
	text := s.encode(t, object)
	for _, mediaType := range []string{runtime.ContentTypeJSON, runtime.ContentTypeYAML} {
		decoded := s.decode(t, text, mediaType) // every JSON document is a YAML document
		if decoded == nil {
			t.Fatalf("what was encoded cannot be decoded as %s: %s", mediaType, text)
		}
		decoded.TypeMeta = object.TypeMeta
		if !apiequality.Semantic.DeepEqual(object, decoded) {
			t.Fatalf("changed on its way through %s: %s", mediaType, cmp.Diff(object, decoded))
		}
		if again := s.encode(t, decoded); !bytes.Equal(text, again) {
			t.Fatalf("other bytes on the second writing, through %s:\n%s\n%s", mediaType, text, again)
		}
	}
}

// isDefaulted asks that defaulting finds nothing to do a second time.
func (s *server) isDefaulted(t testing.TB, object *dittofsv1alpha1.DittoServer) {
	t.Helper()
	again := object.DeepCopy()
	s.scheme.Default(again)
	if !apiequality.Semantic.DeepEqual(object, again) {
		t.Fatalf("the defaults change when they are set twice: %s", cmp.Diff(object, again))
	}
}

// isRefusal asks that an error is the user's to mend (4xx, each cause with a
// field), and the same each time.
func isRefusal(t testing.TB, verb string, err, again error) {
	t.Helper()
	if err == nil && again == nil {
		return
	}
	if err == nil || again == nil || err.Error() != again.Error() {
		t.Fatalf("%s answers differently each time:\n%v\n%v", verb, err, again)
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Code < http.StatusBadRequest || status.Status().Code >= http.StatusInternalServerError {
		t.Fatalf("%s fails with what is not the user's to mend: %v", verb, err)
	}
	details := status.Status().Details
	if details == nil {
		return
	}
	for _, cause := range details.Causes {
		// "InternalError" is what a cause becomes that validation could not decide, or a panic in it.
		if cause.Type == "InternalError" || cause.Message == "" || !names(cause) {
			t.Fatalf("%s refuses without saying what: %+v", verb, cause)
		}
	}
}

func names(cause metav1.StatusCause) bool {
	return strings.HasPrefix(cause.Field, "spec.") || strings.HasPrefix(cause.Field, "metadata.")
}
