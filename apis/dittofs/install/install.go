// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package install registers every served version of the group in a scheme for
// an API server. Clients use AddToScheme of the version package: the internal
// version that this one adds would hide the kind from them.
package install

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs"
	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Install registers the group. One Go type is both the external and the hub
// version, until a second version is served.
func Install(scheme *runtime.Scheme) {
	utilruntime.Must(dittofsv1alpha1.Install(scheme))
	internal := schema.GroupVersion{Group: dittofs.GroupName, Version: runtime.APIVersionInternal}
	scheme.AddKnownTypes(internal,
		&dittofsv1alpha1.DittoServer{}, &dittofsv1alpha1.DittoServerList{},
		&dittofsv1alpha1.DittoServerClass{}, &dittofsv1alpha1.DittoServerClassList{},
		&dittofsv1alpha1.CredentialsRequest{}, &dittofsv1alpha1.DittoServerProxyOptions{})
	utilruntime.Must(scheme.SetVersionPriority(dittofsv1alpha1.SchemeGroupVersion))
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
}
