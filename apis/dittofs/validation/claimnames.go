// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// serverClaim knows the names of the claims of DittoServers, this one's and all
// others': VOLUME-NAME-0, as the StatefulSet makes them.
var serverClaim = regexp.MustCompile(`^` + dittofsv1alpha1.ClaimName("("+strings.Join(dittofsv1alpha1.VolumeNames(), "|")+")", `[a-z]([-a-z0-9]{0,45}[a-z0-9])?`) + `$`)

// validateForeignClaim keeps the volumes of a DittoServer out of every other
// place: two processes on one of them destroy data, and its database holds the
// secrets of its stores. Nobody is asked at admission whether the user may read
// a claim, as for Secrets, so that the names have to tell.
func validateForeignClaim(name string, path *field.Path) field.ErrorList {
	if !serverClaim.MatchString(name) {
		return nil
	}
	return field.ErrorList{field.Invalid(path, name,
		"is named as the claims of DittoServers are, whose data is theirs alone; use a claim of another name than metadata-, content-, controlplane- or cache-NAME-0")}
}

// validateClaimTemplate refuses copies of such a claim likewise.
func validateClaimTemplate(template *corev1.PersistentVolumeClaimTemplate, path *field.Path) field.ErrorList {
	if template == nil {
		return field.ErrorList{field.Required(path, "the claim that is made for the pod")}
	}
	var errs field.ErrorList
	if source := template.Spec.DataSource; source != nil && source.Kind == claimKind {
		errs = append(errs, validateForeignClaim(source.Name, path.Child("spec", "dataSource", "name"))...)
	}
	if source := template.Spec.DataSourceRef; source != nil && source.Kind == claimKind {
		errs = append(errs, validateForeignClaim(source.Name, path.Child("spec", "dataSourceRef", "name"))...)
	}
	return errs
}

const claimKind = "PersistentVolumeClaim"
