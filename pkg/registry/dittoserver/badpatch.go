// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
)

// changed is what an update or a patch makes of the stored object. The library
// gives some of its errors about the body of a patch no status, such as an
// unknown $patch or the missing key of a list, and they would be answered with
// 500 as if the server were at fault (https://github.com/kubernetes/kubernetes/issues/79210).
type changed struct{ rest.UpdatedObjectInfo }

func (c changed) UpdatedObject(ctx context.Context, old runtime.Object) (runtime.Object, error) {
	object, err := c.UpdatedObjectInfo.UpdatedObject(ctx, old)
	var status apierrors.APIStatus
	if err == nil || errors.As(err, &status) || ctx.Err() != nil {
		return object, err
	}
	return object, apierrors.NewBadRequest(err.Error())
}

// Update tells a bad patch from a fault of the server.
func (r *REST) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo,
	createValidation rest.ValidateObjectFunc, updateValidation rest.ValidateObjectUpdateFunc,
	forceAllowCreate bool, options *metav1.UpdateOptions,
) (runtime.Object, bool, error) {
	return r.Store.Update(ctx, name, changed{info}, createValidation, updateValidation, forceAllowCreate, options)
}
