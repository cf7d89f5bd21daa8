// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"slices"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// dueSecrets leaves out what the Percona operator has yet to make: that it is not there is no mistake of anybody.
func (p *pass) dueSecrets(secrets []render.StartSecret) []render.StartSecret {
	if !p.percona.unknown {
		return secrets
	}
	return slices.DeleteFunc(secrets, func(s render.StartSecret) bool {
		return s.Purpose == render.PurposePercona ||
			s.Purpose == render.PurposePostgresCA && p.server.Spec.Percona.CASecretRef == nil
	})
}

// awaitPercona holds the first start on the database until the cluster is ready.
func (p *pass) awaitPercona(start *startState) {
	if p.percona.waits {
		start.ready = false
	}
}

// perconaPodInputs is the part of the spec that reaches the pod: the cluster changes without it.
func perconaPodInputs(spec *dittofsv1alpha1.PerconaSpec) *dittofsv1alpha1.PerconaSpec {
	if spec == nil {
		return nil
	}
	return &dittofsv1alpha1.PerconaSpec{
		Enabled:            spec.Enabled,
		ExistingClusterRef: spec.ExistingClusterRef,
		DatabaseName:       spec.DatabaseName,
		UserName:           spec.UserName,
		CASecretRef:        spec.CASecretRef,
	}
}
