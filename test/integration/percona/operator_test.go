// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package percona_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var clusters = schema.GroupVersionResource{Group: "pgv2.percona.com", Version: "v2", Resource: "perconapgclusters"}

// deleteData is the finalizer with which the Percona operator is asked to delete volumes and Secrets of users too.
const deleteData = "percona.com/delete-pvc"

// operator plays the Percona operator in the namespaces that it is told to watch: it defaults the version, writes a field
// of its own into the spec by an update of the whole, makes the Secrets of each user and of the CA, reports, and deletes.
type operator struct {
	mu      sync.Mutex
	watched map[string]bool
	errs    []error
}

// watch lets the operator look after a namespace from now on.
func (o *operator) watch(namespace string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.watched[namespace] = true
}

// startOperator runs until the test ends. What went wrong meanwhile fails the test.
func startOperator(t *testing.T, namespaces ...string) *operator {
	t.Helper()
	o := &operator{watched: map[string]bool{}}
	for _, namespace := range namespaces {
		o.watch(namespace)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			o.round(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		if err := errors.Join(o.errs...); err != nil {
			t.Errorf("the operator: %v", err)
		}
	})
	return o
}

func (o *operator) round(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for namespace := range o.watched {
		client := cluster.Admin.Dynamic.Resource(clusters).Namespace(namespace)
		list, err := client.List(ctx, metav1.ListOptions{})
		if err != nil {
			o.note(ctx, err)
			continue
		}
		for i := range list.Items {
			o.note(ctx, reconcile(ctx, client, &list.Items[i]))
		}
	}
}

// note keeps an error that the next round does not mend by itself.
func (o *operator) note(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		o.errs = append(o.errs, err)
	}
}

func reconcile(ctx context.Context, client dynamic.ResourceInterface, live *unstructured.Unstructured) error {
	if live.GetDeletionTimestamp() != nil {
		return finish(ctx, client, live)
	}
	version, _, _ := unstructured.NestedString(live.Object, "spec", "crVersion")
	if _, own, _ := unstructured.NestedBool(live.Object, "spec", "unmanaged"); version == "" || !own {
		if version == "" {
			set(live, "3.0.0", "spec", "crVersion")
		}
		set(live, false, "spec", "unmanaged")
		_, err := client.Update(ctx, live, metav1.UpdateOptions{FieldManager: "manager"})
		return err
	}
	if state, _, _ := unstructured.NestedString(live.Object, "status", "state"); state == "" {
		return report(ctx, client, live, "initializing")
	}
	if err := makeSecrets(ctx, live); err != nil {
		return err
	}
	if observed, _, _ := unstructured.NestedInt64(live.Object, "status", "observedGeneration"); observed == live.GetGeneration() && stateOf(live) == "ready" {
		return nil
	}
	return report(ctx, client, live, "ready")
}

func report(ctx context.Context, client dynamic.ResourceInterface, live *unstructured.Unstructured, state string) error {
	set(live, state, "status", "state")
	set(live, live.GetGeneration(), "status", "observedGeneration")
	_, err := client.UpdateStatus(ctx, live, metav1.UpdateOptions{FieldManager: "manager"})
	return err
}

func stateOf(live *unstructured.Unstructured) string {
	state, _, _ := unstructured.NestedString(live.Object, "status", "state")
	return state
}

// makeSecrets makes what a server needs: the credentials of each user, and the CA.
func makeSecrets(ctx context.Context, live *unstructured.Unstructured) error {
	name, namespace := live.GetName(), live.GetNamespace()
	secrets := map[string]map[string]string{name + "-cluster-cert": {"ca.crt": "CA", "tls.crt": "certificate", "tls.key": "key"}}
	users, _, _ := unstructured.NestedSlice(live.Object, "spec", "users")
	for _, item := range users {
		user, _ := item.(map[string]any)
		databases, _ := user["databases"].([]any)
		if len(databases) == 0 {
			continue
		}
		secrets[name+"-pguser-"+user["name"].(string)] = map[string]string{
			"user": user["name"].(string), "password": "made-by-the-operator", "verifier": "SCRAM",
			"host": name + "-primary." + namespace + ".svc", "port": "5432", "dbname": databases[0].(string),
		}
	}
	for secret, data := range secrets {
		_, err := cluster.Admin.Kube.CoreV1().Secrets(namespace).Create(ctx,
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: secret}, StringData: data}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}

// finish lets a deleted cluster go. Secrets of users stay, unless the finalizer asks for the data.
func finish(ctx context.Context, client dynamic.ResourceInterface, live *unstructured.Unstructured) error {
	finalizers := live.GetFinalizers()
	if !slices.Contains(finalizers, deleteData) {
		return nil
	}
	users, _, _ := unstructured.NestedSlice(live.Object, "spec", "users")
	for _, item := range users {
		user, _ := item.(map[string]any)
		err := cluster.Admin.Kube.CoreV1().Secrets(live.GetNamespace()).Delete(ctx, live.GetName()+"-pguser-"+user["name"].(string), metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	live.SetFinalizers(slices.DeleteFunc(finalizers, func(f string) bool { return f == deleteData }))
	_, err := client.Update(ctx, live, metav1.UpdateOptions{FieldManager: "manager"})
	return err
}

func set(object *unstructured.Unstructured, value any, fields ...string) {
	if err := unstructured.SetNestedField(object.Object, value, fields...); err != nil {
		panic(err)
	}
}

// at is what a field has; nil if it is not set.
func at(object *unstructured.Unstructured, fields ...string) any {
	value, _, _ := unstructured.NestedFieldNoCopy(object.Object, fields...)
	return value
}

// live reads a cluster.
func live(t *testing.T, namespace, name string) *unstructured.Unstructured {
	t.Helper()
	object, err := cluster.Admin.Dynamic.Resource(clusters).Namespace(namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// awaitLive waits until a cluster is as it should be.
func awaitLive(t *testing.T, namespace, name, what string, check func(*unstructured.Unstructured) bool) *unstructured.Unstructured {
	t.Helper()
	var found *unstructured.Unstructured
	harness.Eventually(t, what, func(ctx context.Context) (err error) {
		if found, err = cluster.Admin.Dynamic.Resource(clusters).Namespace(namespace).Get(ctx, name, metav1.GetOptions{}); err != nil {
			return err
		}
		if !check(found) {
			return errors.New("it is not so: " + describe(found))
		}
		return nil
	})
	return found
}
