// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/install"
	"github.com/dittofs/dittofs-apiserver/pkg/registry/dittoserver"
	"github.com/dittofs/dittofs-apiserver/pkg/registry/dittoserverclass"
)

// NewScheme returns the scheme of the API server. It knows every kind in two
// versions under one Go type, so it must never reach a client, a controller or
// an event recorder: they could not tell the kind of an object.
func NewScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	utilruntime.Must(dittoserver.AddFieldSelectors(scheme))
	utilruntime.Must(dittoserverclass.AddFieldSelectors(scheme))
	utilruntime.Must(autoscalingv1.AddToScheme(scheme))
	// Server-side apply goes through the hub version of what it applies, a Scale too.
	scheme.AddKnownTypes(schema.GroupVersion{Group: autoscalingv1.GroupName, Version: runtime.APIVersionInternal}, &autoscalingv1.Scale{})
	// Errors and options travel unversioned in the legacy group.
	unversioned := schema.GroupVersion{Version: "v1"}
	metav1.AddToGroupVersion(scheme, unversioned)
	scheme.AddUnversionedTypes(unversioned,
		&metav1.Status{}, &metav1.APIVersions{}, &metav1.APIGroupList{}, &metav1.APIGroup{}, &metav1.APIResourceList{})
	return scheme
}

// newCodecs streams lists, as kube-apiserver does.
func newCodecs(scheme *runtime.Scheme) serializer.CodecFactory {
	return serializer.NewCodecFactory(scheme, serializer.WithStreamingCollectionEncodingToJSON())
}

// jsonSerializer is a codec factory without protobuf. Our types have none, and
// as long as it is offered, the namespace controller of the cluster asks for it
// and no namespace can be deleted any more, in the whole cluster
// (https://github.com/kubernetes/kubernetes/issues/86666).
type jsonSerializer struct{ serializer.CodecFactory }

func (s jsonSerializer) SupportedMediaTypes() []runtime.SerializerInfo {
	var kept []runtime.SerializerInfo
	for _, info := range s.CodecFactory.SupportedMediaTypes() {
		if info.MediaType == runtime.ContentTypeJSON || info.MediaType == runtime.ContentTypeYAML {
			kept = append(kept, info)
		}
	}
	return kept
}
