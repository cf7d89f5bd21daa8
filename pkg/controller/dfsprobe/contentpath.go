// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfstarget"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// lacksContent says that the spec asks for a content volume that the pod was made without. Then it matters what lies where
// the volume is to be mounted: it would be hidden by it.
func lacksContent(template *corev1.PodTemplateSpec, server *dittofsv1alpha1.DittoServer) bool {
	storage := server.Spec.Storage
	if storage.ContentSize == nil || storage.Ephemeral {
		return false
	}
	_, mounted := dfstarget.MountedAt(&template.Spec, render.ContentPath)
	return !mounted
}

// observeContent asks for the local block stores where the content volume is to come, while it is to come.
func (v *visit) observeContent(ctx context.Context) error {
	v.o.ContentKnown, v.o.ContentStores = false, nil
	if !v.t.LacksContent {
		return nil
	}
	paths, err := v.st.api.LocalStorePaths(ctx)
	if err != nil {
		return err
	}
	v.o.ContentKnown = true
	for _, p := range paths {
		if onContentVolume(p) {
			v.o.ContentStores = append(v.o.ContentStores, p)
		}
	}
	return nil
}

// onContentVolume says that a directory lies where the content volume is, or would be, mounted.
func onContentVolume(dir string) bool {
	clean := path.Clean(dir)
	return clean == render.ContentPath || strings.HasPrefix(clean, render.ContentPath+"/")
}
