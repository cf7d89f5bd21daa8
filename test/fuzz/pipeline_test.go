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
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
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

// pipeline is what of the API server a request meets, without network and store.
type pipeline struct {
	scheme   *runtime.Scheme
	codecs   serializer.CodecFactory
	strategy interface {
		rest.RESTCreateStrategy
		rest.RESTUpdateStrategy
	}
}

func newPipeline() *pipeline {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	return &pipeline{scheme: scheme, codecs: serializer.NewCodecFactory(scheme), strategy: dittoserver.NewStrategy(scheme)}
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

// decode reads a document as a request body, once as fieldValidation=Strict and
// once as Ignore: both read the same object, and only the strict reading may
// complain of unknown and repeated fields. Those are then dropped, so that more
// documents come through. Nil: refused either way.
func (s *pipeline) decode(t testing.TB, document []byte, mediaType string) *dittofsv1alpha1.DittoServer {
	t.Helper()
	info, ok := runtime.SerializerInfoForMediaType(s.codecs.SupportedMediaTypes(), mediaType)
	if !ok {
		t.Fatalf("no serializer for %s", mediaType)
	}
	object, err := s.decodeWith(info.Serializer, document)
	strict, strictErr := s.decodeWith(info.StrictSerializer, document)
	if err != nil {
		if strictErr == nil || runtime.IsStrictDecodingError(strictErr) {
			t.Fatalf("read strictly (%v), but refused without: %v", strictErr, err)
		}
		return nil
	}
	if strictErr != nil && !runtime.IsStrictDecodingError(strictErr) {
		t.Fatalf("read, but refused for more than strictness: %v", strictErr)
	}
	if !apiequality.Semantic.DeepEqual(object, strict) {
		t.Fatalf("read strictly it is another object: %s", cmp.Diff(object, strict))
	}
	decoded, ok := object.(*dittofsv1alpha1.DittoServer)
	if !ok {
		return nil // another kind, which the handler refuses
	}
	s.isDefaulted(t, decoded)
	return decoded
}

func (s *pipeline) decodeWith(serializer runtime.Serializer, document []byte) (runtime.Object, error) {
	kind := dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer")
	into := schema.GroupVersion{Group: kind.Group, Version: runtime.APIVersionInternal}
	object, _, err := s.codecs.DecoderToVersion(serializer, into).Decode(document, &kind, &dittofsv1alpha1.DittoServer{})
	return object, err
}

// encode writes what is stored and answered.
func (s *pipeline) encode(t testing.TB, object *dittofsv1alpha1.DittoServer) []byte {
	t.Helper()
	text, err := runtime.Encode(s.codecs.LegacyCodec(dittofsv1alpha1.SchemeGroupVersion), object)
	if err != nil {
		t.Fatalf("what was decoded cannot be encoded: %v", err)
	}
	return text
}

// create takes an object as far as the store. It returns nil if it is refused.
func (s *pipeline) create(t testing.TB, object *dittofsv1alpha1.DittoServer) *dittofsv1alpha1.DittoServer {
	t.Helper()
	object = object.DeepCopy()
	object.Namespace = namespace
	if object.Name == "" {
		object.Name = "files" // the handler refuses it, or makes one of generateName
	}
	rest.FillObjectMetaSystemFields(object)
	object.CreationTimestamp = object.CreationTimestamp.Rfc3339Copy() // as precise as it is stored
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
func (s *pipeline) update(t testing.TB, object, old *dittofsv1alpha1.DittoServer) *dittofsv1alpha1.DittoServer {
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

// longKey matches a key that YAML does not have: it ends after 1024 characters.
var longKey = regexp.MustCompile(`"(?:[^"\\]|\\.){160,}":`)

// survives asks that an object is the same after it was written and read, in the
// same bytes, and that nobody sees a change when it is written back unchanged.
func (s *pipeline) survives(t testing.TB, object *dittofsv1alpha1.DittoServer, mediaTypes ...string) {
	t.Helper()
	text := s.encode(t, object)
	for _, mediaType := range mediaTypes {
		decoded := s.decode(t, text, mediaType) // every JSON document is a YAML document
		if decoded == nil && mediaType == runtime.ContentTypeYAML && longKey.Match(text) {
			continue
		}
		if decoded == nil {
			t.Fatalf("what was encoded cannot be decoded as %s: %s", mediaType, text)
		}
		decoded.TypeMeta = object.TypeMeta
		if mediaType == runtime.ContentTypeYAML {
			// YAML has numbers of 64 bits and no 1.0, so one reading changes how some are written.
			object, decoded = withPlainNumbers(object), withPlainNumbers(decoded)
		}
		if !apiequality.Semantic.DeepEqual(object, decoded) {
			t.Fatalf("changed on its way through %s: %s", mediaType, cmp.Diff(object, decoded))
		}
		if again := s.encode(t, decoded); mediaType == runtime.ContentTypeJSON && !bytes.Equal(text, again) {
			t.Fatalf("other bytes on the second writing:\n%s\n%s", text, again)
		}
	}
}

// withPlainNumbers writes the numbers in the free configuration as 64-bit floats.
// One that is none comes out of YAML as a text, and is written as one here.
func withPlainNumbers(object *dittofsv1alpha1.DittoServer) *dittofsv1alpha1.DittoServer {
	object = object.DeepCopy()
	for key, value := range object.Spec.Config {
		var tree any
		decoder := json.NewDecoder(bytes.NewReader(value.Raw))
		decoder.UseNumber()
		if decoder.Decode(&tree) == nil {
			value.Raw, _ = json.Marshal(plainNumbers(tree))
			object.Spec.Config[key] = value
		}
	}
	return object
}

func plainNumbers(tree any) any {
	switch tree := tree.(type) {
	case map[string]any:
		for key, value := range tree {
			tree[key] = plainNumbers(value)
		}
	case []any:
		for i, value := range tree {
			tree[i] = plainNumbers(value)
		}
	case json.Number:
		if number, err := tree.Float64(); err == nil {
			return number + 0 // no -0
		}
		return tree.String()
	}
	return tree
}

// isDefaulted asks that defaulting finds nothing to do a second time.
func (s *pipeline) isDefaulted(t testing.TB, object *dittofsv1alpha1.DittoServer) {
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
	if first, second := refusals(err), refusals(again); !slices.Equal(first, second) {
		t.Fatalf("%s answers differently each time:\n%q\n%q", verb, first, second)
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

// refusals are the causes of an error, sorted: the library goes through labels and
// annotations in the order of a Go map.
func refusals(err error) []string {
	if err == nil {
		return nil
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return []string{err.Error()}
	}
	var result []string
	for _, cause := range status.Status().Details.Causes {
		result = append(result, cause.Field+": "+cause.Message)
	}
	slices.Sort(result)
	return result
}

func names(cause metav1.StatusCause) bool {
	return strings.HasPrefix(cause.Field, "spec.") || strings.HasPrefix(cause.Field, "metadata.")
}
