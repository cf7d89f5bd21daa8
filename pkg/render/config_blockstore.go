// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"encoding/json"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// remoteCachePercent of the content volume is what a share with a remote store may fill by default. The rest is for snapshots,
// for what a file system keeps for itself and for root, and so that dfs evicts before the volume is full.
const remoteCachePercent = 80

// withRemoteCache sets the size of the local cache of shares that have a remote store and no size of their own. dfs would take
// 10 GiB for each, whatever the volume has: more than a small one, and next to nothing of a large one. It is not in dfsConfig,
// because spec.config may set it too, and wins.
func withRemoteCache(document map[string]any, server *v1alpha1.DittoServer, live []corev1.PersistentVolumeClaim) {
	size := contentSizeAtCreation(server, live)
	if size == nil {
		return
	}
	// Divided first: the product of a large volume would not fit.
	bytes := size.Value() / 100 * remoteCachePercent
	document["blockstore"] = map[string]any{"local": map[string]any{
		"default_remote_cache_size": json.Number(strconv.FormatInt(bytes, 10)),
	}}
}

// contentSizeAtCreation is the size that the content volume was made with, nil if that is not known or there is none. The claim
// templates of a StatefulSet cannot be changed, so they still tell it when the volume has grown: growth restarts nobody. A
// volume that came later has no template.
func contentSizeAtCreation(server *v1alpha1.DittoServer, live []corev1.PersistentVolumeClaim) *resource.Quantity {
	if server.Spec.Storage.Ephemeral || live == nil {
		return server.Spec.Storage.ContentSize
	}
	for i := range live {
		if live[i].Name == ContentVolume {
			size := live[i].Spec.Resources.Requests[corev1.ResourceStorage]
			return &size
		}
	}
	return nil
}
