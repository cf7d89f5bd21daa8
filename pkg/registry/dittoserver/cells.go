// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// none fills cells that would be empty: columns are split at spaces by many scripts.
const none = "<none>"

func orNone(text string) string {
	if text == "" {
		return none
	}
	return text
}

func readyCell(server *dittofsv1alpha1.DittoServer) string {
	if condition := meta.FindStatusCondition(server.Status.Conditions, dittofsv1alpha1.ConditionReady); condition != nil {
		return string(condition.Status)
	}
	return "Unknown"
}

func adaptersCell(server *dittofsv1alpha1.DittoServer) string {
	var on []string
	for _, adapter := range server.Status.Adapters {
		switch {
		case adapter.Enabled && adapter.Running:
			on = append(on, adapter.Type)
		case adapter.Enabled:
			on = append(on, adapter.Type+"(down)")
		}
	}
	return orNone(strings.Join(on, ","))
}

func endpointCell(server *dittofsv1alpha1.DittoServer) string {
	if server.Status.Endpoints.ExternalAPI != "" {
		return server.Status.Endpoints.ExternalAPI
	}
	return orNone(server.Status.Endpoints.API)
}

// databaseCell is what runs; until that is known, what the spec asks for.
func databaseCell(server *dittofsv1alpha1.DittoServer) string {
	switch {
	case server.Status.Database != nil && server.Status.Database.Kind != "":
		return server.Status.Database.Kind
	case server.Spec.Percona != nil && server.Spec.Percona.Enabled:
		return "percona"
	case server.Spec.Database.PostgresSecretRef != nil:
		return string(dittofsv1alpha1.DatabasePostgres) // the Secret wins over the type
	}
	return string(server.Spec.Database.Type)
}

func volumesCell(server *dittofsv1alpha1.DittoServer) string {
	if server.Spec.Storage.Ephemeral {
		return "ephemeral"
	}
	if len(server.Status.Volumes) == 0 {
		return none
	}
	bound := 0
	for _, volume := range server.Status.Volumes {
		if volume.Phase == string(corev1.ClaimBound) {
			bound++
		}
	}
	return fmt.Sprintf("%d/%d", bound, len(server.Status.Volumes))
}

func storageClassCell(server *dittofsv1alpha1.DittoServer) string {
	switch class := server.Spec.Storage.StorageClassName; {
	case server.Spec.Storage.Ephemeral, class != nil && *class == "":
		return none
	case class == nil:
		return "<default>"
	default:
		return *class
	}
}
