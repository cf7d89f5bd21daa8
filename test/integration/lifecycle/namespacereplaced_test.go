// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// leftOver are DittoServers that survived their namespaces, for the test at the end of this file. No test that comes
// after the first one may wipe the store.
var leftOver struct {
	// replaced is in a namespace of the same name that belongs to somebody else, missing in none.
	replaced, missing subject
	// tenant are the objects of that somebody.
	tenant parts
}

// server.md 2: objects survive a namespace that is deleted while our API is away, and a new tenant would inherit them.
func TestServersOfANamespaceThatWasReplacedWhileWeWereAwayAreNotRunInTheNewOne(t *testing.T) {
	replaced, missing := newSubject(t), newSubject(t)
	start := stopServer(t)
	// While the API is registered and away, no namespace can be deleted. This is what people do about it, and Start
	// registers it again.
	apiServices := cluster.Admin.Dynamic.Resource(schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"})
	if err := apiServices.Delete(t.Context(), "v1alpha1.dittofs.io", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []subject{replaced, missing} {
		deleteNamespace(t, s.namespace)
	}
	for _, s := range []subject{replaced, missing} {
		awaitNoNamespace(t, s.namespace)
	}
	createNamespace(t, replaced.namespace)
	// The new tenant has objects under the very names and labels.
	labels := map[string]string{
		dittofsv1alpha1.LabelManagedBy: dittofsv1alpha1.ManagedBy, dittofsv1alpha1.LabelServer: replaced.name,
		dittofsv1alpha1.LabelInstance: replaced.name,
	}
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: replaced.name + "-config", Labels: labels}}
	if _, err := cluster.Admin.Kube.CoreV1().ConfigMaps(replaced.namespace).Create(t.Context(), config, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	tenant := replaced.parts(t)

	start()
	message := replaced.awaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "NamespaceReplaced")
	if !strings.Contains(message, replaced.namespace) {
		t.Errorf("the message does not name the namespace: %s", message)
	}
	if phase := replaced.get(t).Status.Phase; phase != dittofsv1alpha1.PhaseFailed {
		t.Errorf("the phase is %s", phase)
	}
	// An edit does not bring it to life either.
	replaced.patch(t, `{"spec":{"logging":{"level":"DEBUG"}}}`)
	replaced.awaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "NamespaceReplaced")
	awaitControllers(t)
	tenant.expectUntouched(t, replaced)
	for _, s := range []subject{replaced, missing} {
		if !logSays(t, "DittoServer is left over", s.namespace) {
			t.Errorf("the log does not report that %s is left over", s.namespace)
		}
	}
	// The role of the controllers has a right for this alone.
	if err := cluster.UnusedRights(t); err != nil {
		t.Error(err)
	}
	// A new server of the tenant's own under another name works.
	other := subject{replaced.namespace, "other"}
	cluster.CreateDittoServer(t, other.namespace, other.name)
	other.awaitReady(t)
	leftOver.replaced, leftOver.missing, leftOver.tenant = replaced, missing, tenant
}

// logSays looks for words in one line of the log.
func logSays(t *testing.T, words ...string) bool {
	t.Helper()
	for line := range strings.Lines(serverLog(t)) {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
			return true
		}
	}
	return false
}

func createNamespace(t *testing.T, name string) {
	t.Helper()
	_, err := cluster.Admin.Kube.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// The grace period counts from the last start of our server: this runs beside the tests that stop nothing.
func TestServersWithoutTheirNamespaceAreSweptAndNothingWithThem(t *testing.T) {
	t.Parallel()
	if leftOver.tenant == nil {
		t.Skip("the test that leaves DittoServers behind did not run or failed")
	}
	for _, s := range []subject{leftOver.replaced, leftOver.missing} {
		harness.Eventually(t, s.name+" in "+s.namespace+" is swept", func(ctx context.Context) error {
			_, err := s.find(ctx)
			return gone(err)
		})
		// The line follows the deletion, and nothing but the sweeper may have been it.
		harness.Eventually(t, "the log reports it", func(context.Context) error {
			return equal(logSays(t, "Removed a left-over DittoServer", s.namespace), true)
		})
	}
	leftOver.tenant.expectUntouched(t, leftOver.replaced)
	other := subject{leftOver.replaced.namespace, "other"}
	other.awaitReady(t)
	if got := slices.Sorted(maps.Keys(other.parts(t))); len(got) != 11 {
		t.Errorf("the tenant's own server has %v", got)
	}
}
