// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"slices"
	"testing"

	"k8s.io/apiserver/pkg/registry/rest"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestWhatAServerWithoutAClassOffers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		flag  []string
		role  dittofsv1alpha1.CredentialsRole
		proxy bool
	}{
		{"by default an operator's token", newAccessOptions().WithoutClass, "operator", false},
		{"nothing", nil, "", false},
		{"the highest role that is listed", []string{"admin", "operator"}, "admin", false},
		{"the proxy alone", []string{"proxy"}, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			caps := withoutClass{AccessOptions{WithoutClass: tt.flag}}
			limit, err := caps.CredentialsCap(t.Context(), nil)
			if err != nil || limit.Role != tt.role || limit.By == "" {
				t.Errorf("allows %+v, %v", limit, err)
			}
			if on, why, err := caps.ProxyAllowed(t.Context(), nil); err != nil || on != tt.proxy || why == "" {
				t.Errorf("proxy %t: %s, %v", on, why, err)
			}
		})
	}
}

// Metav1's own codec cannot read the options of the proxy: every call would be 400.
func TestTheOptionsOfTheProxyAreReadFromAQuery(t *testing.T) {
	s := &Server{scheme: NewScheme()}
	s.codecs = newCodecs(s.scheme)
	info := s.groupInfo()
	options := &dittofsv1alpha1.DittoServerProxyOptions{}
	query := map[string][]string{"path": {"/api/v1/adapters"}, "share": {"x"}}
	if err := info.ParameterCodec.DecodeParameters(query, dittofsv1alpha1.SchemeGroupVersion, options); err != nil || options.Path != "/api/v1/adapters" {
		t.Errorf("read %+v, %v", options, err)
	}
}

func TestTheControllersMayUseNeitherSubresource(t *testing.T) {
	for _, known := range []*identity{newIdentities().controller, newIdentities().sweeper} {
		for _, subresource := range []string{"credentials", "proxy"} {
			if verbs := known.rights["dittoservers/"+subresource]; len(verbs) > 0 {
				t.Errorf("%s may %v dittoservers/%s", known.user.Name, verbs, subresource)
			}
		}
	}
}

func TestBothSubresourcesAreServed(t *testing.T) {
	s := &Server{scheme: NewScheme(), options: NewOptions(), host: &hostCluster{}}
	resources := map[string]rest.Storage{}
	s.addLiveSubresources(resources, nil, nil)
	if _, ok := resources["dittoservers/credentials"].(rest.NamedCreater); !ok {
		t.Error("credentials is no NamedCreater")
	}
	connecter, ok := resources["dittoservers/proxy"].(rest.Connecter)
	if !ok || slices.Contains(connecter.ConnectMethods(), "OPTIONS") {
		t.Error("proxy is no Connecter, or serves OPTIONS")
	}
}
