// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package adoption_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
	"github.com/dittofs/dittofs-apiserver/test/upstream"
)

// aWhile is longer than the ten seconds after which a blocked adoption is looked at again.
const aWhile = 15 * time.Second

func mentions(t *testing.T, message string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(message, want) {
			t.Errorf("%q does not mention %q", message, want)
		}
	}
}

func TestWithoutTheAnnotationNothingIsTouched(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	s.letGo(t)
	before := s.fixed(t)
	cluster.CreateDittoServer(t, s.Namespace, s.Name)
	mentions(t, s.awaitNotReady(t, "NameConflict"), "DittoFS operator", `dittofs.io/adopt: "true"`, "docs/migration.md")
	s.unchangedFor(t, aWhile, before)

	// It can be set later.
	s.Patch(t, `{"metadata":{"annotations":{"dittofs.io/adopt":"true"}}}`)
	s.AwaitCondition(t, dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, "RolloutPending")
	s.unchangedFor(t, time.Second, before)
}

func TestAnOperatorThatHasNotLetGoBlocksTheAdoption(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	before := s.fixed(t)
	s.create(t)
	message := s.awaitNotReady(t, "AdoptionBlocked")
	mentions(t, message, "StatefulSet files", "ConfigMap files-config", "Service files-adapter-nfs", "NetworkPolicy files-baseline", "Secret files-jwt-secret",
		"(a) Scale its Deployment to 0", "(b) Save", "(c) When this list is empty", "docs/migration.md")
	s.unchangedFor(t, aWhile, before)

	// The commands of the message, as it has them.
	letGo := between(t, message, "kubectl patch ", "'. ") + "'"
	// While the garbage collector has not done its part the object has this finalizer too.
	s.kubectl(t, "patch", "dittoservers.dittofs.dittofs.com", s.Name, "--type=json", "-p", `[{"op":"add","path":"/metadata/finalizers/-","value":"orphan"}]`)
	if err := s.shell(t, "kubectl patch "+letGo); err == nil {
		t.Fatal("the finalizer can be taken away before the garbage collector has done its part")
	}
	s.kubectl(t, "patch", "dittoservers.dittofs.dittofs.com", s.Name, "--type=json", "-p", `[{"op":"remove","path":"/metadata/finalizers/1"}]`)
	if err := s.shell(t, "kubectl delete "+between(t, message, "kubectl delete ", ". ")); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the finalizer can be taken away", func(context.Context) error { return s.shell(t, "kubectl patch "+letGo) })
	s.awaitWaiting(t)
	s.unchangedFor(t, time.Second, before)
}

func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, from)
	found1, _, ends := strings.Cut(rest, to)
	if !found || !ends {
		t.Fatalf("%q has nothing between %q and %q", text, from, to)
	}
	return found1
}

// shell runs one command, and returns what it complains about.
func (s subject) shell(t *testing.T, command string) error {
	t.Helper()
	output, err := openPage(t, s.Namespace).Try(t.Context(), command)
	if err != nil {
		return fmt.Errorf("%s\n%w:\n%s", command, err, output)
	}
	return nil
}

func TestAnOperatorThatComesBackBlocksTheAdoptionAgain(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	s.letGo(t)
	s.create(t)
	s.awaitWaiting(t)
	// Somebody applies the operator's manifest again while the operator runs.
	theirs, err := s.operator.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.theirs = theirs
	back := s.fixed(t)
	s.awaitNotReady(t, "AdoptionBlocked")
	s.unchangedFor(t, aWhile, back)
	mentions(t, s.awaitNotReady(t, "AdoptionBlocked"), "StatefulSet files", "Service files-api")
	if p := s.StatefulSet(t).Spec.UpdateStrategy.RollingUpdate; p != nil && p.Partition != nil && *p.Partition != 0 {
		t.Error("the partition of the operator was changed")
	}
	s.letGo(t)
	s.awaitWaiting(t)
	s.unchangedFor(t, time.Second, back)
	s.openWindow(t)
	s.awaitMoved(t)
	s.wantRollouts(t, 2, "the operator's and ours")
}

// The garbage collector deletes what still has an ownerReference to an object that is gone. We make it no worse: the claims
// are as they were, and the server comes up on them again.
func TestAFinalizerThatIsRemovedFirstCostsThePodAndNoData(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	claims := s.fixed(t).only("claim ")
	s.create(t)
	s.awaitNotReady(t, "AdoptionBlocked")
	s.kubectl(t, "patch", "dittoservers.dittofs.dittofs.com", s.Name, "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
	s.kubectl(t, "delete", "dittoservers.dittofs.dittofs.com", s.Name)
	harness.Eventually(t, "the garbage collector has deleted the operator's StatefulSet and ours is there", func(ctx context.Context) error {
		set, err := cluster.Admin.Kube.AppsV1().StatefulSets(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if len(set.OwnerReferences) > 0 || set.Labels[dittofsv1alpha1.LabelServer] != s.Name {
			return errors.New("it is the operator's still")
		}
		return nil
	})
	s.awaitMoved(t)
	claims.want(t, s.fixed(t).only("claim "))
	secret, err := cluster.Admin.Kube.CoreV1().Secrets(s.Namespace).Get(t.Context(), s.Name+"-jwt-secret", metav1.GetOptions{})
	if err != nil || len(secret.OwnerReferences) > 0 {
		t.Errorf("the JWT Secret is %v (%v)", secret.OwnerReferences, err)
	}
}

func TestAStatefulSetOfSomebodyElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newSubject(t, func(o *upstream.Operator) {
		o.Change = func(object client.Object) {
			if set, ok := object.(*appsv1.StatefulSet); ok {
				set.Labels = map[string]string{dittofsv1alpha1.LabelManagedBy: "Helm"}
			}
		}
	})
	s.letGo(t)
	before := s.fixed(t)
	s.create(t)
	mentions(t, s.awaitNotReady(t, "NameConflict"), "StatefulSet files", "Helm")
	s.openWindow(t)
	s.unchangedFor(t, aWhile, before)
}

func TestAServerWhosePostgreSQLWasNeverUsedStaysOnSQLite(t *testing.T) {
	t.Parallel()
	cluster.InstallPercona(t)
	awaitGarbageCollection(t)
	namespace := cluster.Namespace(t)
	// The Percona operator makes it, and the pod of the DittoFS operator asks for it.
	secret := &corev1.Secret{StringData: map[string]string{"uri": "postgresql://dittofs@nowhere/dittofs"}}
	secret.Name = "files-postgres-pguser-dittofs"
	if _, err := cluster.Admin.Kube.CoreV1().Secrets(namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s := subjectIn(t, namespace, func(o *upstream.Operator) {
		o.Parts = []string{"objects", "percona"}
		o.Change = func(object client.Object) {
			if set, ok := object.(*appsv1.StatefulSet); ok {
				c := &set.Spec.Template.Spec.Containers[0]
				c.Env = append(c.Env, corev1.EnvVar{Name: "DATABASE_URL", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
					LocalObjectReference: corev1.LocalObjectReference{Name: "files-postgres-pguser-dittofs"}, Key: "uri"}}})
			}
		}
	})
	s.letGo(t)
	before := s.fixed(t)
	// Their manifest, with our apiVersion.
	s.create(t, func(server *dittofsv1alpha1.DittoServer) {
		server.Spec.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true}
	})
	mentions(t, s.awaitNotReady(t, "DatabaseMismatch"), "SQLite file /data/controlplane/controlplane.db", "take spec.percona away")
	s.openWindow(t)
	s.unchangedFor(t, aWhile, before)
	s.Patch(t, `{"metadata":{"annotations":{"dittofs.io/rollout":null}},"spec":{"percona":null,"database":{"type":"sqlite","sqlite":{"path":"/data/controlplane/controlplane.db"}}}}`)
	s.awaitWaiting(t)
	s.unchangedFor(t, time.Second, before)
	s.openWindow(t)
	s.awaitMoved(t)
	for _, e := range s.StatefulSet(t).Spec.Template.Spec.Containers[0].Env {
		if e.Name == "DATABASE_URL" {
			t.Error("the variable of the operator is left")
		}
	}
	postgres := &unstructured.Unstructured{}
	postgres.SetGroupVersionKind(render.PerconaClusterKind)
	if err := s.operator.Client.Get(t.Context(), client.ObjectKey{Namespace: s.Namespace, Name: "files-postgres"}, postgres); err != nil {
		t.Fatal(err)
	}
	if labels := postgres.GetLabels(); labels[dittofsv1alpha1.LabelServer] != s.Name || len(postgres.GetOwnerReferences()) > 0 || postgres.GetGeneration() != 1 {
		t.Errorf("the database cluster has the labels %v, the owners %v and was changed %d times", labels, postgres.GetOwnerReferences(), postgres.GetGeneration()-1)
	}
}

func TestWhoMayNotUpdateStatefulSetsMayNotAdopt(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	s.letGo(t)
	before := s.fixed(t)
	user := cluster.User(t, "tenant-"+s.Namespace)
	cluster.Allow(t, user, s.Namespace, harness.Rule("dittofs.io", "dittoservers", "*"), harness.Rule("", "secrets", "get"))
	server := harness.NewDittoServer(s.Name, adopt)
	_, err := user.DittoServers(s.Namespace).Create(t.Context(), server, metav1.CreateOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "update") || !strings.Contains(err.Error(), "StatefulSet") {
		t.Errorf("the create gave %v", err)
	}
	s.unchangedFor(t, time.Second, before)
	cluster.Allow(t, user, s.Namespace, harness.Rule("apps", "statefulsets", "update"))
	harness.Eventually(t, "the right is known", func(ctx context.Context) error {
		_, err := user.DittoServers(s.Namespace).Create(ctx, harness.NewDittoServer(s.Name, adopt), metav1.CreateOptions{})
		return err
	})
	s.AwaitCondition(t, dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, "RolloutPending")
}

func TestTheWayBackOfThePageRestartsNothing(t *testing.T) {
	t.Parallel()
	runOperator(t)
	s := newSubject(t)
	page := openPage(t, s.Namespace)
	before := s.fixed(t)
	for _, step := range page.Of(t, "move") {
		page.Run(t, step.Commands)
	}
	for _, step := range page.Of(t, "back") {
		page.Run(t, step.Commands)
	}
	theirs, err := s.operator.Existing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The operator's pass over the object that it finds.
	if err := s.operator.Reconcile(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	s.unchangedFor(t, aWhile, before)
	if owner := metav1.GetControllerOf(s.StatefulSet(t)); owner == nil || owner.UID != theirs.GetUID() {
		t.Errorf("the StatefulSet is %v's", owner)
	}
	if _, err := cluster.Admin.DittoServers(s.Namespace).Get(t.Context(), s.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Error(fmt.Errorf("our object is still there: %w", err))
	}
}
