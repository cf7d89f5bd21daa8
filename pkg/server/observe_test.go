// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/endpoints/request"

	"github.com/dittofs/dittofs-apiserver/pkg/storeidentity"
)

func TestWhileObservingReadsGoThroughAndWritesDoNot(t *testing.T) {
	ours := func(verb, subresource string) *request.RequestInfo {
		return &request.RequestInfo{
			IsResourceRequest: true, Verb: verb, APIGroup: "dittofs.io", APIVersion: "v1alpha1",
			Resource: "dittoservers", Subresource: subresource, Namespace: "team",
		}
	}
	for name, c := range map[string]struct {
		info    *request.RequestInfo
		holds   bool
		refused bool
	}{
		"a list":                {info: ours("list", "")},
		"a watch":               {info: ours("watch", "")},
		"a create":              {info: ours("create", ""), refused: true},
		"a write of the status": {info: ours("update", "status"), refused: true},
		"a finalize":            {info: ours("update", "finalize"), refused: true},
		"a delete":              {info: ours("delete", ""), refused: true},
		"the deletion of a namespace that holds servers": {info: ours("deletecollection", ""), holds: true, refused: true},
		"the deletion of a namespace that holds none":    {info: ours("deletecollection", "")},
		"discovery": {info: &request.RequestInfo{Verb: "get", Path: "/apis"}},
	} {
		t.Run(name, func(t *testing.T) {
			passed := false
			next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = true })
			verdict := storeidentity.Verdict{ObserveOnly: true, Reason: "it went back in time"}
			handler := refuseWrites(next, jsonSerializer{newCodecs(NewScheme())}, verdict, func(ctx context.Context) (bool, error) {
				if request.NamespaceValue(ctx) != "team" {
					t.Errorf("asked about namespace %q", request.NamespaceValue(ctx))
				}
				return c.holds, nil
			})
			recorder := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			handler.ServeHTTP(recorder, r.WithContext(request.WithRequestInfo(r.Context(), c.info)))
			if passed == c.refused {
				t.Errorf("passed: %v, want refused: %v", passed, c.refused)
			}
			if body := recorder.Body.String(); c.refused &&
				(recorder.Code != http.StatusServiceUnavailable || !strings.Contains(body, "it went back in time") || !strings.Contains(body, "--accept-store")) {
				t.Errorf("answered %d: %s", recorder.Code, body)
			}
		})
	}
}
