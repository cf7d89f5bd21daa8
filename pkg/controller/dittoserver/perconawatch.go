// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/watches"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// PerconaClusters is the source of events about the PerconaPGClusters that we have made, from the moment on that the cluster
// has that kind.
func PerconaClusters(mgr manager.Manager, host cluster.Cluster) *watches.Optional {
	return watches.NewOptional(host.GetCache(), render.PerconaClusterKind, "perconapgclusters", mgr.GetClient(),
		func(server *dittofsv1alpha1.DittoServer) bool {
			return server.Spec.Percona != nil && server.Spec.Percona.Enabled
		})
}
