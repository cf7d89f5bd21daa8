// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package secretaccess

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

// leftovers are the objects that an earlier server may have left under this name:
// its StatefulSet, or claims with its files and its users. With a signing secret of
// their own, whoever goes on with them would be admin over those. Secrets that are
// left are asked about by their names.
func leftovers(server *dittofsv1alpha1.DittoServer) []dittofsadmission.Object {
	left := []dittofsadmission.Object{{Resource: dittofsadmission.StatefulSets, Name: server.Name}}
	for _, name := range claimsOf(server) {
		left = append(left, dittofsadmission.Object{Resource: dittofsadmission.Claims, Name: name})
	}
	return left
}

// takeover is the right that it takes to go on with an object that is there.
func takeover(server *dittofsv1alpha1.DittoServer, there dittofsadmission.Object) dittofsadmission.Right {
	because := "it is there already"
	if there.Resource == dittofsadmission.Claims {
		because = fmt.Sprintf("PersistentVolumeClaim %q of an earlier one is there already", there.Name)
	}
	return dittofsadmission.Right{
		Verb: "update", Resource: dittofsadmission.StatefulSets, Kind: "StatefulSet", Name: server.Name, Field: because,
	}
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
