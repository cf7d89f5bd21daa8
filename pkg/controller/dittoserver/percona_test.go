// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/controllertest"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

const databaseReady = dittofsv1alpha1.ConditionDatabaseReady

// withoutPercona is the API of a cluster in which the Percona operator is not installed.
type withoutPercona struct{ client.Reader }

func (r withoutPercona) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if gvk := obj.GetObjectKind().GroupVersionKind(); gvk == render.PerconaClusterKind {
		return &meta.NoKindMatchError{GroupKind: gvk.GroupKind(), SearchedVersions: []string{gvk.Version}}
	}
	return r.Reader.Get(ctx, key, obj, opts...)
}

func TestWithoutThePerconaOperatorTheStatusSaysWhatToInstall(t *testing.T) {
	f := newPercona(t)
	api := f.rec.Live
	f.rec.Live = withoutPercona{api}
	if res := f.reconcile(); res.RequeueAfter == 0 || res.RequeueAfter > existingRetry {
		t.Errorf("it is tried again after %s", res.RequeueAfter)
	}
	f.wantCondition(databaseReady, metav1.ConditionFalse, reasonPerconaNotInstalled, "pgv2.percona.com/v2", "install", "not started")
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonPerconaNotInstalled)
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonPerconaNotInstalled)
	if phase := f.server().Status.Phase; phase != dittofsv1alpha1.PhaseFailed {
		t.Errorf("the phase is %s", phase)
	}
	if !f.gone(&appsv1.StatefulSet{}, "files") || !f.missing() {
		t.Error("something was made")
	}
	f.rec.Live = api
	f.serves()
}

func TestAKindThatIsGoneIsToldFromAClusterThatIsGone(t *testing.T) {
	resource := schema.GroupResource{Group: "pgv2.percona.com", Resource: "perconapgclusters"}
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"no error", nil, false},
		{"a kind that the client does not find", &meta.NoKindMatchError{GroupKind: render.PerconaClusterKind.GroupKind()}, true},
		{"a path that the API does not have, of which the client names the object",
			apierrors.NewGenericServerResponse(http.StatusNotFound, http.MethodGet, resource, "files-postgres", "404 page not found", 0, true), true},
		{"a cluster that the API does not have", apierrors.NewNotFound(resource, "files-postgres"), false},
		{"a path that nobody may use", apierrors.NewGenericServerResponse(http.StatusForbidden, http.MethodGet, resource, "files-postgres", "no", 0, true), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := notServed(tt.err); got != tt.want {
				t.Errorf("got %t, want %t, of %v", got, tt.want, tt.err)
			}
			if got := tt.err != nil && notServed(fmt.Errorf("apply: %w", tt.err)); got != tt.want {
				t.Errorf("wrapped: got %t, want %t", got, tt.want)
			}
		})
	}
}

func TestTheServerWaitsForItsNewCluster(t *testing.T) {
	f := newPercona(t)
	f.reconcile()
	live := f.live()
	if len(live.GetOwnerReferences())+len(live.GetFinalizers()) > 0 {
		t.Errorf("the database would not outlive us: %v, %v", live.GetOwnerReferences(), live.GetFinalizers())
	}
	if !apply.Ours(live, "files", "") || live.GetLabels()[dittofsv1alpha1.LabelServerUID] != string(f.server().UID) {
		t.Errorf("it has the labels %v", live.GetLabels())
	}
	waits := func(says ...string) {
		t.Helper()
		f.wantCondition(databaseReady, metav1.ConditionFalse, reasonPerconaClusterNotReady, append(says, "files-postgres", "not started")...)
		f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonPerconaClusterNotReady)
		f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionTrue, reasonWaitingForDatabase)
		f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionUnknown, reasonWaitingForDatabase)
		f.wantCondition(dittofsv1alpha1.ConditionDegraded, metav1.ConditionFalse, reasonNothingFailed)
		if !f.gone(&appsv1.StatefulSet{}, "files") {
			t.Error("it was started")
		}
	}
	waits("has to run")
	status := f.server().Status
	if d := status.Database; d == nil || d.Kind != "percona" || d.Cluster != "files-postgres" || d.Ready || status.PerconaClusterName != "files-postgres" {
		t.Errorf("the database in the status is %+v", d)
	}
	if !slices.ContainsFunc(status.Objects, func(o dittofsv1alpha1.ObjectReference) bool {
		return o.APIVersion == "pgv2.percona.com/v2" && o.Kind == "PerconaPGCluster" && o.Name == "files-postgres"
	}) {
		t.Errorf("the objects are %v", status.Objects)
	}

	f.says(perconaInitializing)
	f.reconcile()
	waits("initializing", "events")
	f.says(perconaReady)
	f.reconcile()
	waits("Secret files-postgres-pguser-dittofs")
	f.givesSecrets()
	f.up()
	env := map[string]string{}
	for _, e := range f.set().Spec.Template.Spec.Containers[0].Env {
		if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
			env[e.Name] = e.ValueFrom.SecretKeyRef.Name + "/" + e.ValueFrom.SecretKeyRef.Key
		} else {
			env[e.Name] = e.Value
		}
	}
	for name, want := range map[string]string{
		"DITTOFS_DATABASE_POSTGRES_HOST":     "files-postgres-pguser-dittofs/host",
		"DITTOFS_DATABASE_POSTGRES_PASSWORD": "files-postgres-pguser-dittofs/password",
		"DITTOFS_DATABASE_POSTGRES_SSLMODE":  "verify-full",
	} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	f.wantCondition(databaseReady, metav1.ConditionTrue, reasonDatabaseReachable)
	if d := f.server().Status.Database; !d.Ready || d.Identity != "dittofs@files-postgres/dittofs" {
		t.Errorf("the database in the status is %+v", d)
	}
}

func TestAReadyOfAnotherGenerationIsNone(t *testing.T) {
	f := newPercona(t)
	f.reconcile()
	f.says(perconaReady)
	f.givesSecrets()
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Percona.Replicas = ptr.To[int32](3) })
	f.reconcile()
	f.wantCondition(databaseReady, metav1.ConditionFalse, reasonPerconaClusterNotReady, "has not arrived")
	f.says(perconaReady)
	f.up()
}

func TestTheWaitHasADeadlineAndGoesOn(t *testing.T) {
	f := newPercona(t, func(s *dittofsv1alpha1.DittoServer) { s.Spec.Percona.ReadyTimeout = "5m" })
	res := f.reconcile()
	if res.RequeueAfter == 0 || res.RequeueAfter > 6*time.Minute {
		t.Errorf("nobody looks at the clock: again after %s", res.RequeueAfter)
	}
	f.says(perconaInitializing)
	f.clock.Step(4 * time.Minute)
	f.reconcile()
	f.wantCondition(databaseReady, metav1.ConditionFalse, reasonPerconaClusterNotReady)
	f.events.take()
	f.clock.Step(2 * time.Minute)
	f.reconcile()
	f.wantCondition(databaseReady, metav1.ConditionFalse, reasonPerconaClusterTimeout, "5m0s", "initializing", "goes on")
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonPerconaClusterTimeout)
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonPerconaClusterTimeout)
	f.wantCondition(dittofsv1alpha1.ConditionDegraded, metav1.ConditionTrue, reasonPerconaClusterTimeout)
	if !hasPrefix(f.events.take(), "Warning PerconaClusterTimeout") {
		t.Error("there is no event")
	}
	f.own.take()
	f.reconcile()
	if writes := f.own.take(); len(writes) > 0 {
		t.Errorf("waiting wrote %q", writes)
	}
	f.says(perconaReady)
	f.givesSecrets()
	f.up()
}

func TestTheTimeBeforeTheOperatorWasInstalledDoesNotCount(t *testing.T) {
	f := newPercona(t)
	api := f.rec.Live
	f.rec.Live = withoutPercona{api}
	// An hour ago.
	f.clock.Step(-time.Hour)
	f.reconcile()
	f.clock.Step(time.Hour)
	f.rec.Live = api
	f.reconcile()
	f.says(perconaInitializing)
	f.reconcile()
	f.wantCondition(databaseReady, metav1.ConditionFalse, reasonPerconaClusterNotReady)
}

func TestADatabaseThatDFSDoesNotReachIsExplainedByTheCluster(t *testing.T) {
	f := newPercona(t)
	pod := f.serves()
	f.says(perconaPaused)
	f.seen.Put(f.key, dfsprobe.Observation{Pod: pod.UID, Reached: true, Database: "unreachable", Token: dfsprobe.TokenAccepted})
	f.reconcile()
	f.wantCondition(databaseReady, metav1.ConditionFalse, reasonDatabaseUnreached, "unreachable", "PerconaPGCluster files-postgres is paused", "spec.pause")
}

func TestWhatTheOperatorWritesIsNotFought(t *testing.T) {
	f := newPercona(t)
	f.serves()
	f.writes(func(spec map[string]any) {
		spec["crVersion"] = "3.1.0"
		spec["pause"] = true
		spec["image"] = "percona/percona-distribution-postgresql:18.4-1"
		spec["secrets"] = map[string]any{}
		spec["instances"].([]any)[0].(map[string]any)["resources"] = map[string]any{}
		spec["instances"].([]any)[0].(map[string]any)["sidecars"] = []any{map[string]any{"name": "exporter", "image": "exporter:1"}}
		pgbackrest := spec["backups"].(map[string]any)["pgbackrest"].(map[string]any)
		pgbackrest["manual"] = map[string]any{"repoName": "repo1"}
	})
	live := f.live()
	live.SetFinalizers([]string{"internal.percona.com/stop-watchers"})
	live.SetAnnotations(map[string]string{"pgv2.percona.com/patroni-version": "4.0.0"})
	f.do(f.admin.Update(t.Context(), live, client.FieldOwner("manager")))
	f.says(perconaReady)
	f.reconcile()
	f.host.take()
	before := f.live().GetResourceVersion()
	f.reconcile()
	if writes := f.host.take(); len(writes) > 0 || f.live().GetResourceVersion() != before {
		t.Errorf("steady state wrote %q", writes)
	}
	f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionTrue, reasonConfigApplied)
	f.edit(func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Percona.Replicas = ptr.To[int32](3)
		s.Spec.Percona.StorageSize = ptr.To(resource.MustParse("20Gi"))
	})
	f.reconcile()
	live = f.live()
	for what, pair := range map[string][2]any{
		"crVersion": {at(live, "spec", "crVersion"), "3.1.0"},
		"image":     {at(live, "spec", "image"), "percona/percona-distribution-postgresql:18.4-1"},
		"pause":     {at(live, "spec", "pause"), true},
		"manual":    {at(live, "spec", "backups", "pgbackrest", "manual", "repoName"), "repo1"},
		"replicas":  {instance(live, "replicas"), int64(3)},
		"size":      {instance(live, "dataVolumeClaimSpec", "resources", "requests", "storage"), "20Gi"},
		"finalizer": {len(live.GetFinalizers()), 1},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, want %v", what, pair[0], pair[1])
		}
	}
	if sidecars, _ := instance(live, "sidecars").([]any); len(sidecars) != 1 {
		t.Error("a sidecar of somebody else is gone")
	}
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Percona.CRVersion = "3.0.1" })
	f.reconcile()
	if got := at(f.live(), "spec", "crVersion"); got != "3.0.1" {
		t.Errorf("crVersion is %v, want the one that was asked for", got)
	}
}

// outdated shows the cluster as it was before somebody wrote to it.
type outdated struct {
	client.Reader
	was *unstructured.Unstructured
}

func (r outdated) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if live, ok := obj.(*unstructured.Unstructured); ok {
		r.was.DeepCopyInto(live)
		return nil
	}
	return r.Reader.Get(ctx, key, obj, opts...)
}

func TestAnUpgradeBetweenTheLookAndTheWriteIsNotUndone(t *testing.T) {
	f := newPercona(t)
	f.serves()
	api := f.rec.Live
	f.rec.Live = outdated{api, f.live()}
	f.writes(func(spec map[string]any) { spec["image"] = "percona/percona-distribution-postgresql:18.4-1" })
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Percona.Replicas = ptr.To[int32](3) })
	if res := f.reconcile(); res.RequeueAfter != soon {
		t.Errorf("it is tried again after %s", res.RequeueAfter)
	}
	if got := instance(f.live(), "replicas"); got != int64(1) {
		t.Errorf("replicas are %v: the write went through", got)
	}
	f.rec.Live = api
	f.reconcile()
	if got := instance(f.live(), "replicas"); got != int64(3) {
		t.Errorf("replicas are %v", got)
	}
	if got := at(f.live(), "spec", "image"); got != "percona/percona-distribution-postgresql:18.4-1" {
		t.Errorf("the image is %v: the upgrade is undone", got)
	}
}

func TestAnEditOfTheClusterDoesNotReachThePod(t *testing.T) {
	f := newPercona(t)
	f.serves()
	before := f.set()
	f.edit(func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Percona.Replicas = ptr.To[int32](3)
		s.Spec.Percona.Images.Postgres = "mirror.example.com/postgresql:18.3-2"
		s.Spec.Percona.Backup = &dittofsv1alpha1.PerconaBackupSpec{
			Enabled: true, Bucket: "b", Endpoint: "s3.example.com", CredentialsSecretRef: &dittofsv1alpha1.LocalSecretReference{Name: "s3"},
		}
		dittofsv1alpha1.SetObjectDefaults_DittoServer(s)
	})
	f.reconcile()
	after, live := f.set(), f.live()
	if before.Generation != after.Generation {
		t.Error("the StatefulSet was changed")
	}
	if renderedOf(before).spec != renderedOf(after).spec {
		t.Error("the edit would carry out what another release holds back")
	}
	if got := at(live, "spec", "backups", "pgbackrest", "global", "repo1-path"); got != "/pgbackrest/"+f.key.Namespace+"/files/repo1" {
		t.Errorf("backups go to %v", got)
	}
	if got := at(live, "spec", "image"); got != "mirror.example.com/postgresql:18.3-2" {
		t.Errorf("the image is %v", got)
	}
}

func TestAnUnreadyClusterNeverTouchesARunningServer(t *testing.T) {
	f := newPercona(t)
	f.serves()
	before := f.set()
	f.says(perconaInitializing)
	f.reconcile()
	f.wantCondition(databaseReady, metav1.ConditionTrue, reasonDatabaseReachable, "dfs reaches its database", "initializing")
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
	f.clock.Step(11 * time.Minute)
	f.reconcile()
	f.wantCondition(databaseReady, metav1.ConditionFalse, reasonPerconaClusterTimeout, "10m0s", "left alone")
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonPerconaClusterTimeout)
	f.wantCondition(dittofsv1alpha1.ConditionAvailable, metav1.ConditionTrue, reasonPodReady)
	if after := f.set(); after.ResourceVersion != before.ResourceVersion {
		t.Error("the StatefulSet was written")
	}
	// Somebody deletes it: it comes back, whatever the cluster is like.
	f.do(f.admin.Delete(t.Context(), before, client.PropagationPolicy(metav1.DeletePropagationOrphan)))
	f.reconcile()
	f.set()
	f.says(perconaReady)
	f.reconcile()
	if c := meta.FindStatusCondition(f.server().Status.Conditions, databaseReady); c.Reason == reasonPerconaClusterTimeout {
		t.Error("the time does not end with the cluster's return")
	}
}

func TestAClusterThatIsDeletedIsMadeAgain(t *testing.T) {
	f := newPercona(t)
	f.serves()
	live := f.live()
	live.SetFinalizers([]string{"internal.percona.com/stop-watchers"})
	f.do(f.admin.Update(t.Context(), live))
	f.do(f.admin.Delete(t.Context(), live))
	f.reconcile()
	f.wantCondition(databaseReady, metav1.ConditionFalse, reasonPerconaClusterDeleting, "made anew")
	f.writes(func(map[string]any) {})
	live = f.live()
	live.SetFinalizers(nil)
	f.do(f.admin.Update(t.Context(), live))
	f.reconcile()
	if f.live().GetUID() == live.GetUID() {
		t.Error("it is the old one")
	}
	f.wantCondition(databaseReady, metav1.ConditionTrue, reasonDatabaseReachable)
}

func TestAForeignClusterOfTheNameIsLeftAlone(t *testing.T) {
	f := newPercona(t)
	f.existing("files-postgres")
	f.says(perconaReady)
	f.givesSecrets()
	before := f.live().GetResourceVersion()
	f.reconcile()
	f.wantCondition(databaseReady, metav1.ConditionFalse, reasonNameConflict, "dba", "existingClusterRef")
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonNameConflict)
	if f.live().GetResourceVersion() != before || !f.gone(&appsv1.StatefulSet{}, "files") {
		t.Error("it was used")
	}
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.DeletionPolicy.Database = dittofsv1alpha1.DeleteData })
	f.deleteServer("")
	f.reconcile()
	if f.missing() || f.live().GetResourceVersion() != before || !f.gone(&dittofsv1alpha1.DittoServer{}, "files") {
		t.Error("it was deleted with the server")
	}
}

func TestWithoutTheRightToMakeClustersTheStatusSaysSo(t *testing.T) {
	rules := slices.DeleteFunc(append(controllertest.BaseRules(), controllertest.CredentialRules()...), func(r rbacv1.PolicyRule) bool {
		return r.APIGroups[0] == "pgv2.percona.com"
	})
	user, err := plane.User(t.Context(), "without-percona", rules...)
	if err != nil {
		t.Fatal(err)
	}
	if err := installPercona(); err != nil {
		t.Fatal(err)
	}
	f := percona{newFixtureAs(t, user, onPercona), "files-postgres"}
	f.reconcile()
	f.wantCondition(databaseReady, metav1.ConditionFalse, reasonApplyRefused, "files-postgres", "forbidden")
	// The rest is made all the same.
	get(f.fixture, &corev1.Service{}, "files-api")
}

func TestWhatTheOperatorCannotRunIsNotSent(t *testing.T) {
	f := newPercona(t, func(s *dittofsv1alpha1.DittoServer) { s.Spec.Percona.CRVersion = "latest" })
	f.reconcile()
	f.wantCondition(databaseReady, metav1.ConditionFalse, reasonInvalidSpec, "spec.percona.crVersion")
	if !f.missing() {
		t.Error("it was sent")
	}
}

func TestObservingOnlyMakesNoCluster(t *testing.T) {
	f := newPercona(t)
	f.observing = true
	f.reconcile()
	if !f.missing() {
		t.Error("it was made")
	}
	if plan, _ := f.rec.plans.get(f.key); !strings.Contains(plan, "create PerconaPGCluster files-postgres") {
		t.Errorf("the plan is %q", plan)
	}
}
