// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package perconaoperator is a stand-in for the Percona operator for PostgreSQL in clusters whose pods run nothing.
// In: a cluster that has the kind PerconaPGCluster, and the namespaces to watch. Out: what the operator writes into such an
// object and its status, and the Secrets that it makes. It runs no PostgreSQL and never touches another namespace.
package perconaoperator

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
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
)

// DeleteData is the finalizer with which the operator is asked to delete volumes and Secrets of users too.
const DeleteData = "percona.com/delete-pvc"

// manager is whom the operator is to managed fields.
const manager = "manager"

// Operator plays the operator in the namespaces that it is told to watch: it defaults the version, writes a field of its own
// into the spec by an update of the whole, makes the Secrets of each user and of the CA, reports, and deletes.
type Operator struct {
	dynamic dynamic.Interface
	kube    kubernetes.Interface

	mu      sync.Mutex
	watched map[string]bool
	errs    []error
}

// Start runs an operator until the test ends. What went wrong meanwhile fails the test.
func Start(t testing.TB, dynamic dynamic.Interface, kube kubernetes.Interface, namespaces ...string) *Operator {
	t.Helper()
	o := &Operator{dynamic: dynamic, kube: kube, watched: map[string]bool{}}
	for _, namespace := range namespaces {
		o.Watch(namespace)
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
			t.Errorf("the Percona operator: %v", err)
		}
	})
	return o
}

// Watch lets the operator look after a namespace from now on.
func (o *Operator) Watch(namespace string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.watched[namespace] = true
}

func (o *Operator) round(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for namespace := range o.watched {
		client := o.dynamic.Resource(Clusters).Namespace(namespace)
		list, err := client.List(ctx, metav1.ListOptions{})
		if err != nil {
			o.note(ctx, err)
			continue
		}
		for i := range list.Items {
			o.note(ctx, o.reconcile(ctx, client, &list.Items[i]))
		}
	}
}

// note keeps an error that the next round does not mend by itself.
func (o *Operator) note(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		o.errs = append(o.errs, err)
	}
}

func (o *Operator) reconcile(ctx context.Context, client dynamic.ResourceInterface, live *unstructured.Unstructured) error {
	if live.GetDeletionTimestamp() != nil {
		return o.finish(ctx, client, live)
	}
	version, _ := At(live, "spec", "crVersion").(string)
	if version == "" || At(live, "spec", "unmanaged") == nil {
		if version == "" {
			set(live, "3.0.0", "spec", "crVersion")
		}
		set(live, false, "spec", "unmanaged")
		_, err := client.Update(ctx, live, metav1.UpdateOptions{FieldManager: manager})
		return err
	}
	if State(live) == "" {
		return report(ctx, client, live, "initializing")
	}
	if err := o.makeSecrets(ctx, live); err != nil {
		return err
	}
	if At(live, "status", "observedGeneration") == live.GetGeneration() && State(live) == Ready {
		return nil
	}
	return report(ctx, client, live, Ready)
}

func report(ctx context.Context, client dynamic.ResourceInterface, live *unstructured.Unstructured, state string) error {
	set(live, state, "status", "state")
	set(live, live.GetGeneration(), "status", "observedGeneration")
	_, err := client.UpdateStatus(ctx, live, metav1.UpdateOptions{FieldManager: manager})
	return err
}

// makeSecrets makes what a server needs: the credentials of each user, and the CA.
func (o *Operator) makeSecrets(ctx context.Context, live *unstructured.Unstructured) error {
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
		_, err := o.kube.CoreV1().Secrets(namespace).Create(ctx,
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: secret}, StringData: data}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}

// finish lets a deleted cluster go. Secrets of users stay, unless the finalizer asks for the data.
func (o *Operator) finish(ctx context.Context, client dynamic.ResourceInterface, live *unstructured.Unstructured) error {
	finalizers := live.GetFinalizers()
	if !slices.Contains(finalizers, DeleteData) {
		return nil
	}
	users, _, _ := unstructured.NestedSlice(live.Object, "spec", "users")
	for _, item := range users {
		user, _ := item.(map[string]any)
		err := o.kube.CoreV1().Secrets(live.GetNamespace()).Delete(ctx, live.GetName()+"-pguser-"+user["name"].(string), metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	live.SetFinalizers(slices.DeleteFunc(finalizers, func(f string) bool { return f == DeleteData }))
	_, err := client.Update(ctx, live, metav1.UpdateOptions{FieldManager: manager})
	return err
}
