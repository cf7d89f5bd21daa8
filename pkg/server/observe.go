// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"k8s.io/apiserver/pkg/endpoints/request"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs"
	"github.com/dittofs/dittofs-apiserver/pkg/storeidentity"
)

var readOnlyVerbs = sets.New("get", "list", "watch")

// refuseWrites answers every write to the group with 503 while the store is not
// the one that the host cluster knows. Reads go through, so that a person can
// look at what the store holds before accepting it.
//
// A deletion of all objects of a namespace that has none goes through: it writes
// nothing, and the cluster sends one for each namespace that it deletes.
func refuseWrites(next http.Handler, serializer runtime.NegotiatedSerializer, verdict storeidentity.Verdict, holds func(context.Context) (bool, error)) http.Handler {
	if !verdict.ObserveOnly {
		return next
	}
	message := fmt.Sprintf("this server only observes: %s; restore the right store, or restart with --accept-store to go on with this one", verdict.Reason)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		info, ok := request.RequestInfoFrom(req.Context())
		if !ok || !info.IsResourceRequest || info.APIGroup != dittofs.GroupName || readOnlyVerbs.Has(info.Verb) {
			next.ServeHTTP(w, req)
			return
		}
		if info.Verb == "deletecollection" && info.Resource == "dittoservers" {
			if held, err := holds(request.WithNamespace(req.Context(), info.Namespace)); err == nil && !held {
				next.ServeHTTP(w, req)
				return
			}
		}
		gv := schema.GroupVersion{Group: info.APIGroup, Version: info.APIVersion}
		responsewriters.ErrorNegotiated(apierrors.NewServiceUnavailable(message), serializer, gv, w, req)
	})
}
