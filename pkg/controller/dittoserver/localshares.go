// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

const (
	// A share without a size of its own and without a remote store gets a quarter of the memory of dfs, and at least this.
	leastShareSize = 256 << 20
	shareOfMemory  = 4
	// farBelow is how many times larger its part of the volume is than a share that wastes it.
	farBelow = 2
	gibibyte = 1 << 30
	mebibyte = 1 << 20
)

// smallShares warns of shares that stop taking writes long before the content volume is full. dfs has no setting for all of
// them, so that only who makes a share can mend it; nothing is broken, and StorageReady stays True.
func (v view) smallShares() (verdict, bool) {
	capacity := v.contentCapacity()
	if capacity == 0 {
		return verdict{}, false
	}
	if v.dfs == nil || v.dfs.LocalShares == nil {
		// Not looked at yet, as after a restart of the controller.
		c := meta.FindStatusCondition(v.server.Status.Conditions, dittofsv1alpha1.ConditionStorageReady)
		if c != nil && c.Reason == reasonLocalStoreSizeLow && c.Status == metav1.ConditionTrue && v.pod != nil {
			return yes(c.Reason, "%s", c.Message), true
		}
		return verdict{}, false
	}
	part := capacity / int64(max(len(v.dfs.LocalShares), 1))
	var small []string
	for _, share := range v.dfs.LocalShares {
		size, known := share.Size, true
		if size == 0 {
			size, known = v.defaultShareSize()
		}
		if known && size < part/farBelow {
			small = append(small, fmt.Sprintf("%s takes %s", share.Name, dfsSize(size)))
		}
	}
	if len(small) == 0 {
		return verdict{}, false
	}
	return yes(reasonLocalStoreSizeLow,
		"Every claim is bound. Shares without a remote store use little of the content volume (%s): %s. A full share takes no more writes. "+
			"Set local_store_size of each of them through the dfs API, to %s for example; it counts from the next start of the pod on.",
		dfsSize(capacity), strings.Join(small, ", "), dfsSize(part/10*9)), true
}

// contentCapacity is the size of the content volume, 0 while there is none.
func (v view) contentCapacity() int64 {
	for _, vol := range v.volumes {
		if _, capacity := vol.sizes(); vol.name == render.ContentVolume && capacity != nil {
			return capacity.Value()
		}
	}
	return 0
}

// defaultShareSize is what dfs chooses. Without a limit it looks at the memory of the node, which is not known here.
func (v view) defaultShareSize() (int64, bool) {
	if v.set == nil {
		return 0, false
	}
	for _, c := range v.set.Spec.Template.Spec.Containers {
		if limit := c.Resources.Limits.Memory(); c.Name == render.ContainerName && limit.Cmp(resource.Quantity{}) > 0 {
			return max(limit.Value()/shareOfMemory, leastShareSize), true
		}
	}
	return 0, false
}

// dfsSize writes a size as dfs reads it.
func dfsSize(n int64) string {
	if n >= 4*gibibyte || n%gibibyte == 0 && n > 0 {
		return fmt.Sprintf("%dGiB", n/gibibyte)
	}
	return fmt.Sprintf("%dMiB", n/mebibyte)
}
