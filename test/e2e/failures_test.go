// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsclient "github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned"
)

// failedWrite is what our client makes of a server that treats a write so.
func failedWrite(t *testing.T, limit time.Duration, handler http.HandlerFunc) error {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	if handler == nil {
		server.Close()
	}
	client, err := dittofsclient.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	_, err = client.DittofsV1alpha1().DittoServerClasses().Create(ctx, &dittofsv1alpha1.DittoServerClass{}, metav1.CreateOptions{})
	return err
}

func TestAFailedWriteIsCountedByWhatTheClientWasTold(t *testing.T) {
	answer := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", code) }
	}
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see that the client is gone
		<-r.Context().Done()
	}
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	const long = time.Minute
	for _, tc := range []struct {
		name    string
		limit   time.Duration
		handler http.HandlerFunc
		want    string
		again   bool
	}{
		{"the server is not ready", long, answer(http.StatusServiceUnavailable), "503", true},
		{"too many requests", long, answer(http.StatusTooManyRequests), "429", true},
		{"etcd elects a leader", long, answer(http.StatusGatewayTimeout), "504", true},
		{"the store is full", long, answer(http.StatusInsufficientStorage), "507", false},
		{"a fault of ours", long, answer(http.StatusInternalServerError), "500", false},
		{"the connection is cut before the answer", long, cut, "cut", true},
		{"nobody listens", long, nil, "refused", true},
		{"the answer does not come", 100 * time.Millisecond, hang, "no answer", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := failedWrite(t, tc.limit, tc.handler)
			if got := failureOf(err); got != tc.want || retriable(err) != tc.again {
				t.Errorf("%v is %q, retriable %t; want %q, %t", err, got, retriable(err), tc.want, tc.again)
			}
		})
	}
}

func TestAConnectionThatIsCutBehindTheAggregatorIsRetriableWhateverItsCode(t *testing.T) {
	for _, code := range []int{http.StatusInternalServerError, http.StatusBadGateway} {
		for _, text := range []string{"unexpected EOF", "read: connection reset by peer", "http2: timeout awaiting response headers"} {
			err := apierrors.NewGenericServerResponse(code, "post", schema.GroupResource{}, "", text, 0, true)
			if !retriable(fmt.Errorf("wrapped: %w", err)) {
				t.Errorf("%d %s is not retriable", code, text)
			}
		}
	}
}

func TestFailuresAreToldByTheirNumber(t *testing.T) {
	counted := failures{"cut": 2, "503": 3, "504": 2}
	if got, want := counted.String(), "3× 503, 2× 504, 2× cut"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
