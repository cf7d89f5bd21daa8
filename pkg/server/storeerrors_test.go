// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/storage"
)

func TestFailuresOfTheStoreSayWhetherToTryAgain(t *testing.T) {
	// What is not listed as changed stays the error that it is.
	const same = 0
	missing := storage.NewKeyNotFoundError("/key", 1)
	forbidden := apierrors.NewForbidden(schema.GroupResource{}, "", nil)
	tests := []struct {
		name        string
		err         error
		read, write int32
		// again: the client tries again by itself, as Retry-After tells it.
		readAgain, writeAgain bool
	}{
		{"no failure", nil, same, same, false, false},
		{"an object that is not there", missing, same, same, false, false},
		{"an answer of ours", forbidden, same, same, false, false},
		{"the leader was lost in the middle", rpctypes.ErrTimeoutDueToLeaderFail, 503, 504, true, false},
		{"the same, wrapped", fmt.Errorf("create: %w", rpctypes.ErrTimeoutDueToLeaderFail), 503, 504, true, false},
		{"the connection was lost in the middle", rpctypes.ErrTimeoutDueToConnectionLost, 503, 504, true, false},
		{"another leader", rpctypes.ErrLeaderChanged, 503, 504, true, false},
		{"no member answers", status.Error(codes.Unavailable, "connection refused"), 503, 504, true, false},
		{"no leader, so that nothing was written", rpctypes.ErrNoLeader, 503, 503, true, true},
		{"too many requests", rpctypes.ErrTooManyRequests, same, 429, false, true},
		{"no room", rpctypes.ErrNoSpace, same, 507, false, false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			for _, way := range []struct {
				name  string
				got   error
				code  int32
				again bool
			}{{"read", readError(tc.err), tc.read, tc.readAgain}, {"write", writeError(tc.err), tc.write, tc.writeAgain}} {
				if way.code == same {
					if !errors.Is(way.got, tc.err) {
						t.Errorf("%s: %v became %v", way.name, tc.err, way.got)
					}
					continue
				}
				var answer apierrors.APIStatus
				if !errors.As(way.got, &answer) || answer.Status().Code != way.code {
					t.Fatalf("%s: the answer is %v, want %d (%s)", way.name, way.got, way.code, http.StatusText(int(way.code)))
				}
				if _, again := apierrors.SuggestsClientDelay(way.got); again != way.again {
					t.Errorf("%s: tried again by the client: %t, want %t", way.name, again, way.again)
				}
			}
		})
	}
}
