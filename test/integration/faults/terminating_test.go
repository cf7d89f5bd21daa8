// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/controlplane/faultproxy"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func TestANamespaceIsDeletedWhileTheHostAnswersWithErrors(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	starting := subjectOf(s.Namespace, "starting")
	starting.create(t)
	// They come to an end: a deletion needs a dozen answers in a row.
	for _, f := range []faultproxy.Fault{
		{Share: 0.5, Status: http.StatusInternalServerError, Count: 6}, {Share: 0.2, Swallow: true, Count: 2}, {Share: 0.2, Drop: true, Count: 2},
	} {
		f.Match = all(in(s.Namespace), noWatch)
		trouble(t, f)
	}
	if err := cluster.Admin.Kube.CoreV1().Namespaces().Delete(t.Context(), s.Namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the namespace is gone", func(ctx context.Context) error {
		_, err := cluster.Admin.Kube.CoreV1().Namespaces().Get(ctx, s.Namespace, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(err, errors.New("it is still there"))
	})
	list, err := cluster.Admin.DittoServers(s.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 0 {
		t.Errorf("%d DittoServers are left (%v)", len(list.Items), err)
	}
}
