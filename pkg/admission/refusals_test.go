// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestARequestThatIsNotDecidedSaysWhatToDo(t *testing.T) {
	const forbidden = `secrets "s" is forbidden: no rights`
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"a host that fails":              {errors.New("host is away"), `create of dittoservers.dittofs.io "files" is not decided, try again: looking: host is away`},
		"a host that does not answer":    {fmt.Errorf("get: %w", context.DeadlineExceeded), `create of dittoservers.dittofs.io "files" is not decided, try again: looking: the host cluster does not answer in time: get: context deadline exceeded`},
		"a host that refuses our server": {fmt.Errorf("get: %w", apierrors.NewForbidden(corev1.Resource("secrets"), "s", errors.New("no rights"))), `create of dittoservers.dittofs.io "files" is not decided, and trying again does not help: looking: the host cluster forbids it to dittofs-apiserver itself; apply the ClusterRole dittofs-apiserver of this release again, or change the policy or quota of the cluster that forbids it: get: ` + forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			err := Unavailable(request(), "looking", c.err)
			if !apierrors.IsServiceUnavailable(err) || err.Error() != c.want {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
			// Client libraries would try ten times before a person hears of it.
			if seconds, ok := apierrors.SuggestsClientDelay(err); ok {
				t.Errorf("clients wait %d seconds and try again by themselves", seconds)
			}
		})
	}
}

func TestAGeneratedNameIsTold(t *testing.T) {
	server := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{GenerateName: "files-", Name: "files-x7"}}
	generated := admission.NewAttributesRecord(server, nil, dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer"), "team", "",
		dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoservers"), "", admission.Create, nil, false, nil)
	want := `create of dittoservers.dittofs.io "files-x7" is not decided, try again: looking: host is away`
	if got := Unavailable(generated, "looking", errors.New("host is away")).Error(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
