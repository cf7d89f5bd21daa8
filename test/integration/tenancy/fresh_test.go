// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package tenancy_test

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// Admission reads classes from the watch cache, which must not be behind what somebody was told is done.
func TestAChangeOfAClassCountsForTheNextRequest(t *testing.T) {
	namespace := cluster.Namespace(t)
	name := class(t, func(*dittofsv1alpha1.DittoServerClass) {})
	user := tenant(t, "fresh", namespace)
	grant(t, user, namespace, name, "use")
	awaitRights(t, user, namespace, name)
	classes := cluster.Admin.DittoFS.DittofsV1alpha1().DittoServerClasses()
	found, err := classes.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	create := func() error {
		server := harness.NewDittoServer("dry", func(s *dittofsv1alpha1.DittoServer) { s.Spec.ClassName = &name })
		_, err := user.DittoServers(namespace).Create(t.Context(), server, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	for i := range 50 {
		image := fmt.Sprintf("registry.example.com/dfs:v%d", i)
		narrow := i%2 == 0
		found.Spec.Limits.Images = nil
		if narrow {
			found.Spec.Limits.Images = &dittofsv1alpha1.ImageLimits{Allowed: []string{image}}
		}
		if found, err = classes.Update(t.Context(), found, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		err := create()
		if narrow && (err == nil || !strings.Contains(err.Error(), "allows images like "+image)) {
			t.Fatalf("round %d: under the narrow class the answer is: %v", i, err)
		}
		if !narrow && err != nil {
			t.Fatalf("round %d: under the wide class the answer is: %v", i, err)
		}
	}
	if err := classes.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := create(); err == nil || !strings.Contains(err.Error(), "there is no such DittoServerClass") {
		t.Errorf("without the class the answer is: %v", err)
	}
}
