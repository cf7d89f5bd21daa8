// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// installPercona gives the plane the kind of the Percona operator, with the part of its schema that we use, or all of it from PERCONA_CRD.
var installPercona = sync.OnceValue(func() error {
	given := cmp.Or(os.Getenv("PERCONA_CRD"), filepath.Join("..", "..", "render", "testdata", "percona", "perconapgclusters.crd.yaml"))
	content, err := os.ReadFile(given)
	if err != nil {
		return err
	}
	definition := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(content, &definition.Object); err != nil {
		return err
	}
	admin, err := client.New(plane.Config, client.Options{})
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := admin.Create(ctx, definition); err != nil {
		return err
	}
	clusters := &unstructured.UnstructuredList{}
	clusters.SetGroupVersionKind(render.PerconaClusterKind)
	return wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		return admin.List(ctx, clusters) == nil, nil
	})
})

// percona is a fixture whose database is in a PerconaPGCluster, with a stand-in for the operator.
type percona struct {
	*fixture
	cluster string
}

func onPercona(server *dittofsv1alpha1.DittoServer) {
	server.Spec.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true}
	dittofsv1alpha1.SetObjectDefaults_DittoServer(server)
}

func newPercona(t *testing.T, change ...func(*dittofsv1alpha1.DittoServer)) percona {
	t.Helper()
	if err := installPercona(); err != nil {
		t.Fatal(err)
	}
	return percona{newFixture(t, append([]func(*dittofsv1alpha1.DittoServer){onPercona}, change...)...), "files-postgres"}
}

func (f percona) live() *unstructured.Unstructured {
	f.t.Helper()
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(render.PerconaClusterKind)
	return get(f.fixture, live, f.cluster)
}

func (f percona) missing() bool {
	f.t.Helper()
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(render.PerconaClusterKind)
	err := f.admin.Get(f.t.Context(), types.NamespacedName{Namespace: f.key.Namespace, Name: f.cluster}, live)
	f.do(client.IgnoreNotFound(err))
	return apierrors.IsNotFound(err)
}

// at is what a field has; nil if it is not set.
func at(object *unstructured.Unstructured, fields ...string) any {
	value, _, err := unstructured.NestedFieldNoCopy(object.Object, fields...)
	if err != nil {
		return err
	}
	return value
}

// instance is a field of the only set of instances.
func instance(object *unstructured.Unstructured, fields ...string) any {
	instances, ok := at(object, "spec", "instances").([]any)
	if !ok || len(instances) != 1 {
		return errors.New("there is not one set of instances")
	}
	return at(&unstructured.Unstructured{Object: instances[0].(map[string]any)}, fields...)
}

// says is what the operator writes into the status.
func (f percona) says(state string) {
	f.t.Helper()
	live := f.live()
	f.do(unstructured.SetNestedField(live.Object, state, "status", "state"))
	f.do(unstructured.SetNestedField(live.Object, live.GetGeneration(), "status", "observedGeneration"))
	f.do(f.admin.Status().Update(f.t.Context(), live, client.FieldOwner("manager")))
}

// writes is an update by the operator, which encodes its types whole.
func (f percona) writes(edit func(spec map[string]any)) {
	f.t.Helper()
	live := f.live()
	edit(live.Object["spec"].(map[string]any))
	f.do(f.admin.Update(f.t.Context(), live, client.FieldOwner("manager")))
}

func (f percona) secret(name string, data map[string][]byte) {
	f.t.Helper()
	f.do(f.admin.Create(f.t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: f.key.Namespace, Name: name}, Data: data}))
}

// givesSecrets are those that the operator makes of a cluster and a user.
func (f percona) givesSecrets() {
	f.t.Helper()
	host := f.cluster + "-primary." + f.key.Namespace + ".svc"
	f.secret(f.cluster+"-pguser-dittofs", map[string][]byte{
		"user": []byte("dittofs"), "password": []byte("secret-of-postgres"), "host": []byte(host), "port": []byte("5432"), "dbname": []byte("dittofs"),
	})
	f.secret(f.cluster+"-cluster-cert", map[string][]byte{"ca.crt": []byte("CA"), "tls.crt": []byte("C"), "tls.key": []byte("K")})
}

// serves brings the database up, and the server on it.
func (f percona) serves() *corev1.Pod {
	f.t.Helper()
	f.reconcile()
	f.says(perconaReady)
	f.givesSecrets()
	return f.up()
}

// existing makes a cluster as somebody else does.
func (f percona) existing(name string, edit ...func(spec map[string]any)) {
	f.t.Helper()
	spec := map[string]any{
		"crVersion": "3.0.0", "postgresVersion": int64(18),
		"instances": []any{map[string]any{"name": "a", "dataVolumeClaimSpec": map[string]any{}}},
		"users":     []any{map[string]any{"name": "dittofs", "databases": []any{"dittofs"}}},
		"backups":   map[string]any{"enabled": false},
	}
	for _, e := range edit {
		e(spec)
	}
	live := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	live.SetGroupVersionKind(render.PerconaClusterKind)
	live.SetNamespace(f.key.Namespace)
	live.SetName(name)
	f.do(f.admin.Create(f.t.Context(), live, client.FieldOwner("dba")))
}

// onExisting is a server on a cluster that somebody else has made.
func newOnExisting(t *testing.T, change ...func(*dittofsv1alpha1.DittoServer)) percona {
	t.Helper()
	f := newPercona(t, append([]func(*dittofsv1alpha1.DittoServer){func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true, ExistingClusterRef: &dittofsv1alpha1.PerconaClusterReference{Name: "shared"}}
		dittofsv1alpha1.SetObjectDefaults_DittoServer(s)
	}}, change...)...)
	f.cluster = "shared"
	return f
}
