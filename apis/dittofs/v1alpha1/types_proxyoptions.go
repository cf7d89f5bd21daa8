// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"net/url"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DittoServerProxyOptions is what a request to the subresource proxy of a
// DittoServer asks for. Admission policies see it as the object of a CONNECT.
type DittoServerProxyOptions struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`

	// path is the path of the REST API of dfs, for example /api/v1/adapters.
	// +optional
	// +k8s:optional
	Path string `json:"path,omitempty"`
}

// convertProxyOptions reads the options from the query of a request, to which
// the API server has added the path below the subresource.
func convertProxyOptions(in, out any, _ conversion.Scope) error {
	out.(*DittoServerProxyOptions).Path = in.(*url.Values).Get("path")
	return nil
}

func addQueryConversions(scheme *runtime.Scheme) error {
	return scheme.AddConversionFunc((*url.Values)(nil), (*DittoServerProxyOptions)(nil), convertProxyOptions)
}
