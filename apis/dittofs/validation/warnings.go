// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"strings"

	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Warnings are what is allowed and probably not meant, as "path: message".
func Warnings(server *dittofsv1alpha1.DittoServer) []string {
	var warnings []string
	spec := &server.Spec
	if movingTag(spec.Image) {
		warnings = append(warnings, fmt.Sprintf("spec.image: %q moves with every release; pin a version or a digest", spec.Image))
	}
	if spec.Database.PostgresSecretRef != nil && spec.Database.Type != dittofsv1alpha1.DatabasePostgres {
		warnings = append(warnings, fmt.Sprintf("spec.database.type: %q is not used, postgresSecretRef wins: the server runs on PostgreSQL", spec.Database.Type))
	}
	if port := ptr.Deref(spec.ControlPlane.Port, 0); port > 0 && port < 1024 {
		warnings = append(warnings, fmt.Sprintf("spec.controlPlane.port: %d is privileged and the pod has no NET_BIND_SERVICE; use 1024 or higher", port))
	}
	return warnings
}

// movingTag is true for latest, written or meant, and false for a digest.
func movingTag(image string) bool {
	if strings.Contains(image, "@") {
		return false
	}
	name := image[strings.LastIndex(image, "/")+1:]
	_, tag, tagged := strings.Cut(name, ":")
	return !tagged || tag == "latest"
}
