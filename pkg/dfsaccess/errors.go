// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsaccess

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// conflict is 409: the server is not in a state for this, and repeating the request does not change that.
func conflict(server *dittofsv1alpha1.DittoServer, why string) error {
	return apierrors.NewConflict(dittofsv1alpha1.Resource("dittoservers"), server.Name, errors.New(why))
}

func notRunning(server *dittofsv1alpha1.DittoServer) error {
	return apierrors.NewServiceUnavailable(fmt.Sprintf(
		"DittoServer %q has no running pod of its own: see kubectl describe dittoservers.dittofs.io %s", server.Name, server.Name))
}

// unavailable is 503, without a time after which to try again: client libraries would do so by themselves, ten times.
func unavailable(server *dittofsv1alpha1.DittoServer, doing string, err error) error {
	advice := "try again"
	switch {
	case apierrors.IsForbidden(err):
		// About us, not about the requester.
		advice = "apply the ClusterRole dittofs-apiserver of this release again: the host cluster forbids it to dittofs-apiserver itself"
	case errors.Is(err, context.DeadlineExceeded):
		advice = "try again: the host cluster does not answer in time"
	}
	return apierrors.NewServiceUnavailable(fmt.Sprintf("DittoServer %q: %s: %v (%s)", server.Name, doing, err, advice))
}
