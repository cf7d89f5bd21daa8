// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package secretaccess

import (
	"fmt"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

// leftovers are the objects that an earlier server may have left under this name:
// its StatefulSet, or claims with its files and its users. With a signing secret of
// their own, whoever goes on with them would be admin over those. Secrets that are
// left are asked about by their names. A claim that is there and not asked for stays
// unread.
func leftovers(server *dittofsv1alpha1.DittoServer) []dittofsadmission.Object {
	left := []dittofsadmission.Object{{Resource: dittofsadmission.StatefulSets, Name: server.Name}}
	for _, name := range server.ClaimNames() {
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
