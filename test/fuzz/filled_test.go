// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"math/rand"
	"testing"

	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	"k8s.io/apimachinery/pkg/api/apitesting/roundtrip"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/randfill"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// TestRoundTrip is apimachinery's own: every field, filled at random, survives
// copying, writing and reading. There is no protobuf (docs/adr/0003-json-only.md).
func TestRoundTrip(t *testing.T) {
	s := newPipeline()
	filler := fuzzer.FuzzerFor(fuzzer.MergeFuzzerFuncs(metafuzzer.Funcs, fillers), rand.NewSource(rand.Int63()), s.codecs)
	for _, kind := range []string{"DittoServer", "DittoServerList"} {
		t.Run(kind, func(t *testing.T) {
			gvk := dittofsv1alpha1.SchemeGroupVersion.WithKind(kind)
			roundtrip.RoundTripSpecificKindWithoutProtobuf(t, gvk, s.scheme, s.codecs, filler, nil)
			gvk.Version = runtime.APIVersionInternal
			roundtrip.RoundTripSpecificKindWithoutProtobuf(t, gvk, s.scheme, s.codecs, filler, nil)
		})
	}
}

// FuzzFilled fills the types instead of bytes, so that the coverage-guided engine
// reaches rules that a byte more or less never does.
func FuzzFilled(f *testing.F) {
	s := newPipeline()
	stored := s.stored(f)
	for seed := range int64(64) {
		data := make([]byte, 512)
		rand.New(rand.NewSource(seed)).Read(data) // the same bytes each time are wanted
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		filler := randfill.NewFromGoFuzz(data).NilChance(.3).NumElements(0, 2).MaxDepth(12).Funcs(
			fuzzer.MergeFuzzerFuncs(metafuzzer.Funcs, fillers, words)(s.codecs)...)
		var server dittofsv1alpha1.DittoServer
		filler.Fill(&server.Spec)
		server.Name = "files"
		s.check(t, stored, s.encode(t, &server), runtime.ContentTypeJSON)
	})
}

// fillers make the types whose Go fields cannot hold just anything.
func fillers(serializer.CodecFactory) []any {
	return []any{
		func(server *dittofsv1alpha1.DittoServer, c randfill.Continue) {
			c.FillNoCustom(server)
			dittofsv1alpha1.SetObjectDefaults_DittoServer(server) // reading sets them
		},
		func(value *dittofsv1alpha1.Value, c randfill.Continue) {
			text := configs[c.Intn(len(configs))]
			if value.UnmarshalJSON([]byte(text)) != nil {
				value.Raw = []byte("null")
			}
		},
	}
}

// words fills text fields with what some field takes, or almost takes.
func words(serializer.CodecFactory) []any {
	return []any{
		func(text *string, c randfill.Continue) { *text = texts[c.Intn(len(texts))] },
	}
}
