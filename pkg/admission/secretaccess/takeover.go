// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package secretaccess

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

// leftover is an object that an earlier server may have left.
type leftover struct {
	resource schema.GroupVersionResource
	name     string
	because  string
}

// takeover is the right that it takes to go on with what another server has left
// under this name: its StatefulSet, or claims with its files and its users. With
// a signing secret of their own, the requester would be admin over those. Secrets
// that are left are asked about by their names.
func (p *Plugin) takeover(ctx context.Context, namespace string, server *dittofsv1alpha1.DittoServer) ([]dittofsadmission.Right, error) {
	left := []leftover{{dittofsadmission.StatefulSets, server.Name, "it is there already"}}
	for _, name := range claimsOf(server) {
		left = append(left, leftover{dittofsadmission.Claims, name, fmt.Sprintf("PersistentVolumeClaim %q of an earlier one is there already", name)})
	}
	for _, object := range left {
		exists, err := dittofsadmission.Exists(ctx, p.metadata, object.resource, namespace, object.name)
		if err != nil {
			return nil, err
		}
		if exists {
			return []dittofsadmission.Right{{
				Verb: "update", Resource: dittofsadmission.StatefulSets, Kind: "StatefulSet", Name: server.Name, Field: object.because,
			}}, nil
		}
	}
	return nil, nil
}

// claimsOf are the names of the claims that the server would use. They are those
// of the package render. A claim that is there and not asked for stays unread.
func claimsOf(server *dittofsv1alpha1.DittoServer) []string {
	storage := &server.Spec.Storage
	if storage.Ephemeral {
		return nil
	}
	var names []string
	for _, volume := range []struct {
		name string
		size *resource.Quantity
	}{
		{"metadata", storage.MetadataSize},
		{"content", storage.ContentSize},
		{"controlplane", storage.ControlPlaneSize},
		{"cache", storage.CacheSize},
	} {
		if volume.size != nil {
			names = append(names, volume.name+"-"+server.Name+"-0")
		}
	}
	return names
}
