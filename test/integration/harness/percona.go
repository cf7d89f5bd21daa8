// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/standin/perconaoperator"
)

// InstallPercona gives the host cluster the kind PerconaPGCluster, once, while our server runs.
func (c *Cluster) InstallPercona(t *testing.T) {
	t.Helper()
	c.percona.Do(func() {
		root, err := RepoDir()
		if err == nil {
			err = perconaoperator.InstallKind(t.Context(), c.Admin.Dynamic, root)
		}
		if c.options.Recording != "" && apierrors.IsAlreadyExists(err) {
			err = nil
		}
		c.perconaErr = err
	})
	if c.perconaErr != nil {
		t.Fatal(c.perconaErr)
	}
}

// PerconaOperator plays the Percona operator in namespaces until the test ends.
func (c *Cluster) PerconaOperator(t *testing.T, namespaces ...string) *perconaoperator.Operator {
	t.Helper()
	c.InstallPercona(t)
	// The operator lists right away, and takes a kind that is not served yet for a cluster that is gone.
	return perconaoperator.Start(t, c.Admin.Dynamic, c.Admin.Kube, namespaces...)
}

// CreateOnPercona creates a DittoServer whose database is in a PerconaPGCluster. It is accepted as soon as our server has
// noticed the kind.
func (s Subject) CreateOnPercona(t *testing.T, change ...func(*dittofsv1alpha1.DittoServer)) {
	t.Helper()
	s.Cluster.InstallPercona(t)
	server := NewDittoServer(s.Name, append([]func(*dittofsv1alpha1.DittoServer){func(server *dittofsv1alpha1.DittoServer) {
		server.Spec.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true}
	}}, change...)...)
	Eventually(t, "the server is accepted", func(ctx context.Context) error {
		_, err := s.Cluster.Admin.DittoServers(s.Namespace).Create(ctx, server, metav1.CreateOptions{})
		return err
	})
}

// CreatePerconaCluster makes a cluster as somebody else does.
func (c *Cluster) CreatePerconaCluster(t *testing.T, namespace, name string) {
	t.Helper()
	c.InstallPercona(t)
	Eventually(t, "the kind is served", func(ctx context.Context) error {
		_, err := c.Admin.Dynamic.Resource(perconaoperator.Clusters).Namespace(namespace).Create(ctx,
			perconaoperator.NewCluster(name), metav1.CreateOptions{FieldManager: "dba"})
		return err
	})
}

// FindPerconaCluster reads a cluster.
func (c *Cluster) FindPerconaCluster(ctx context.Context, namespace, name string) (*unstructured.Unstructured, error) {
	return c.Admin.Dynamic.Resource(perconaoperator.Clusters).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
}

// PerconaCluster reads a cluster, which must be there.
func (c *Cluster) PerconaCluster(t *testing.T, namespace, name string) *unstructured.Unstructured {
	t.Helper()
	object, err := c.FindPerconaCluster(t.Context(), namespace, name)
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// AwaitPerconaCluster waits until a cluster is as it should be.
func (c *Cluster) AwaitPerconaCluster(t *testing.T, namespace, name, what string, check func(*unstructured.Unstructured) bool) *unstructured.Unstructured {
	t.Helper()
	var found *unstructured.Unstructured
	Eventually(t, what, func(ctx context.Context) (err error) {
		if found, err = c.FindPerconaCluster(ctx, namespace, name); err != nil {
			return err
		}
		if !check(found) {
			return errors.New("it is not so: " + DescribeObject(found))
		}
		return nil
	})
	return found
}

// DescribeObject is an object as JSON.
func DescribeObject(object *unstructured.Unstructured) string {
	text, err := json.Marshal(object.Object)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
