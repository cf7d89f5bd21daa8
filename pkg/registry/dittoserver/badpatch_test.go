// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestAnErrorAboutThePatchIsNoFaultOfTheServer(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx   context.Context
		err   error
		check func(error) bool
	}{
		"an error without a status is about the patch": {t.Context(), errors.New("unknown patch type: x"), apierrors.IsBadRequest},
		"one that has a status keeps it":               {t.Context(), apierrors.NewConflict(dittofsv1alpha1.Resource("dittoservers"), "files", nil), apierrors.IsConflict},
		"the end of the request is not":                {ended, context.Canceled, func(err error) bool { return errors.Is(err, context.Canceled) }},
		"none is none":                                 {t.Context(), nil, func(err error) bool { return err == nil }},
	} {
		t.Run(name, func(t *testing.T) {
			info := rest.DefaultUpdatedObjectInfo(&dittofsv1alpha1.DittoServer{},
				func(_ context.Context, object, _ runtime.Object) (runtime.Object, error) { return object, c.err })
			if _, err := (changed{info}).UpdatedObject(c.ctx, &dittofsv1alpha1.DittoServer{}); !c.check(err) {
				t.Errorf("got %v", err)
			}
		})
	}
}
