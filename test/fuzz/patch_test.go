// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	kjson "sigs.k8s.io/json"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// patch merges a document over a stored object, as the handler of PATCH with
// application/strategic-merge-patch+json does. Nil: refused.
func (s *server) patch(t testing.TB, stored *dittofsv1alpha1.DittoServer, document []byte) *dittofsv1alpha1.DittoServer {
	t.Helper()
	original, err := runtime.DefaultUnstructuredConverter.ToUnstructured(stored)
	if err != nil {
		t.Fatalf("what is stored cannot be patched: %v", err)
	}
	changes := map[string]any{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(document, &changes); err != nil {
		return nil
	}
	merged, err := strategicpatch.StrategicMergeMapPatch(original, changes, &dittofsv1alpha1.DittoServer{})
	if err != nil {
		isPatchRefusal(t, err)
		return nil
	}
	result := &dittofsv1alpha1.DittoServer{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(merged, result, false); err != nil {
		return nil // the handler answers 422
	}
	s.scheme.Default(result)
	s.isDefaulted(t, result)
	return result
}

// isPatchRefusal knows the errors that the handler turns into 4xx, and those that
// it answers for every kind of Kubernetes with 500, because they are the library's.
func isPatchRefusal(t testing.TB, err error) {
	t.Helper()
	for _, known := range []error{
		mergepatch.ErrBadJSONDoc, mergepatch.ErrBadPatchFormatForPrimitiveList, mergepatch.ErrBadPatchFormatForRetainKeys,
		mergepatch.ErrBadPatchFormatForSetElementOrderList, mergepatch.ErrUnsupportedStrategicMergePatchFormat,
		mergepatch.ErrNoListOfLists, mergepatch.ErrPatchContentNotMatchRetainKeys,
	} {
		if errors.Is(err, known) {
			return
		}
	}
	for _, library := range libraryErrors {
		if strings.Contains(err.Error(), library) {
			return
		}
	}
	t.Fatalf("a patch fails with 500: %v", err)
}

// libraryErrors are given for kinds of Kubernetes itself in the same words.
var libraryErrors = []string{}
