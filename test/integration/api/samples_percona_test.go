// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

const perconaDefinition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: perconapgclusters.pgv2.percona.com
spec:
  group: pgv2.percona.com
  scope: Namespaced
  names: {plural: perconapgclusters, singular: perconapgcluster, kind: PerconaPGCluster, listKind: PerconaPGClusterList}
  versions:
  - name: v2
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

// installPercona makes the cluster serve the kind of the Percona operator, and waits until our server has seen it.
func installPercona(t *testing.T) {
	t.Helper()
	cluster.Admin.Kubectl("").Stdin(perconaDefinition).Run(t, "create", "-f", "-")
	namespace := cluster.Namespace(t)
	harness.Eventually(t, "the operator is seen", func(ctx context.Context) error {
		return create(ctx, cluster.Admin, namespace, "files", dryRun, func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true}
		})
	})
}

// removePercona takes the kind away. Our server goes on for ten minutes with what it saw, and TestPerconaNeedsItsOperator
// comes in the same run: so the server is started anew. It is called by defer, since t.Context is over in a cleanup.
func removePercona(t *testing.T) {
	t.Helper()
	cluster.Admin.Kubectl("").Stdin(perconaDefinition).Run(t, "delete", "-f", "-")
	harness.Eventually(t, "the kind is not served any more", func(context.Context) error {
		_, err := cluster.Admin.Kube.Discovery().ServerResourcesForGroupVersion("pgv2.percona.com/v2")
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(err, errors.New("discovery does not answer with 404"))
	})
	if err := cluster.Server.Stop(); err != nil {
		t.Fatal(err)
	}
	cluster.StartServer(t)
}
