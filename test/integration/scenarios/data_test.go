// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package scenarios_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// downTime is longer than the sixty seconds after which the DittoFS operator drops its finalizer without a look.
const downTime = 65 * time.Second

// database is the cluster of a server on Percona, with everything that opens it.
type database struct {
	subject harness.Subject
	cluster *unstructured.Unstructured
}

func databaseOf(t *testing.T, s harness.Subject) database {
	t.Helper()
	d := database{s, cluster.PerconaCluster(t, s.Namespace, "files-postgres")}
	// The garbage collector would delete a database for an owner that it cannot find.
	if owners := d.cluster.GetOwnerReferences(); len(owners) > 0 {
		t.Errorf("the cluster has owners: %v", owners)
	}
	return d
}

// kept says whether the database is the one that it was.
func (d database) kept(ctx context.Context) error {
	now, err := cluster.FindPerconaCluster(ctx, d.subject.Namespace, "files-postgres")
	switch {
	case err != nil:
		return err
	case now.GetUID() != d.cluster.GetUID():
		return errors.New("it is another cluster")
	case now.GetDeletionTimestamp() != nil:
		return errors.New("the cluster is being deleted")
	}
	_, err = cluster.Admin.Kube.CoreV1().Secrets(d.subject.Namespace).Get(ctx, "files-postgres-pguser-dittofs", metav1.GetOptions{})
	return err
}

func (d database) expectKept(t *testing.T) {
	t.Helper()
	if err := d.kept(t.Context()); err != nil {
		t.Errorf("the database was not kept: %v", err)
	}
}

// In the DittoFS operator the garbage collector deletes the database, since nobody has taken it out of its hands.
func TestScenario03ADeleteWhileOurServerIsAwayKeepsTheDatabase(t *testing.T) {
	s := cluster.Subject(cluster.Namespace(t), "files")
	cluster.PerconaOperator(t, s.Namespace)
	s.CreateOnPercona(t)
	s.AwaitReady(t)
	d, data := databaseOf(t, s), s.Parts(t).Data()

	// The API takes the delete, and nobody carries it out.
	cluster.Reinstall(t, "--controllers=-*")
	if err := cluster.Admin.DittoServers(s.Namespace).Delete(t.Context(), s.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	deleted := time.Now()
	cluster.StopServer(t)
	harness.EventuallyWithin(t, 2*downTime, "our server was away for long enough", func(ctx context.Context) error {
		if err := d.kept(ctx); err != nil {
			t.Fatalf("nobody is there, and the database was not kept: %v", err)
		}
		if time.Since(deleted) < downTime {
			return errors.New("not yet")
		}
		return nil
	})
	cluster.Reinstall(t)
	t.Parallel()

	s.AwaitGone(t)
	d.expectKept(t)
	data.ExpectSame(t, s)
	// The same manifest brings the same server back, on the same database.
	s.CreateOnPercona(t)
	s.AwaitReady(t)
	d.expectKept(t)
}

// In the DittoFS operator the cluster keeps its owner, and goes with it.
func TestScenario04ADatabaseThatIsNoLongerUsedOutlivesTheServer(t *testing.T) {
	t.Parallel()
	s := cluster.Subject(cluster.Namespace(t), "files")
	cluster.PerconaOperator(t, s.Namespace)
	s.CreateOnPercona(t)
	s.AwaitReady(t)
	d, pod := databaseOf(t, s), s.Pod(t)
	// By accident nobody leaves a database.
	const off = `"spec":{"percona":{"enabled":false},"database":{"type":"sqlite"}}}`
	if err := s.TryPatch(t.Context(), `{`+off); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "dittofs.io/accept-empty-database") {
		t.Errorf("the answer to an edit that leaves the database is: %v", err)
	}
	s.Patch(t, `{"metadata":{"annotations":{"dittofs.io/accept-empty-database":"yes"}},`+off)
	s.AwaitNewPod(t, pod)
	s.AwaitReady(t)
	d.expectKept(t)
	if status := s.Get(t).Status; status.PerconaClusterName != "" || status.Database == nil || status.Database.Kind != "sqlite" {
		t.Errorf("the status says of the database %+v, cluster %q", status.Database, status.PerconaClusterName)
	}
	s.Delete(t)
	d.expectKept(t)
}

// In the DittoFS operator the credentials go, and the database, which stays, does not know the new ones.
func TestScenario14AServerThatIsCreatedAgainOverKeptVolumesIsReady(t *testing.T) {
	t.Parallel()
	s := cluster.NewSubject(t)
	data, status, dfs := s.Parts(t).Data(), s.Get(t).Status, s.AwaitDFS(t)
	pod := s.Pod(t)
	s.Delete(t)
	data.ExpectSame(t, s)
	s.Create(t)
	s.AwaitNewPod(t, pod)
	s.AwaitReady(t)
	data.Compare(t, s.Parts(t).Data(), func(m metav1.ObjectMeta) string { return "UID " + string(m.UID) })
	s.AwaitCondition(t, dittofsv1alpha1.ConditionAuthenticated, metav1.ConditionTrue, "TokenAccepted")
	if now := s.AwaitDFS(t); now.Database != dfs.Database {
		t.Errorf("dfs runs on the database %s, and ran on %s", now.Database, dfs.Database)
	}
	if now := s.Get(t).Status; now.MachineSID != status.MachineSID || now.MachineSID == "" {
		t.Errorf("the server says that it is %q, and was %q", now.MachineSID, status.MachineSID)
	}
}
