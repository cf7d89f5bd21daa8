// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// classGetter is a store of classes.
type classGetter map[string]dittofsv1alpha1.ClassAccess

func (g classGetter) Get(_ context.Context, name string) (*dittofsv1alpha1.DittoServerClass, error) {
	if name == "broken" {
		return nil, errors.New("etcd does not answer")
	}
	access, ok := g[name]
	if !ok {
		return nil, nil
	}
	return &dittofsv1alpha1.DittoServerClass{Spec: dittofsv1alpha1.DittoServerClassSpec{Access: access}}, nil
}

func TestTheClassOfAServerSaysWhatItsLiveSubresourcesGive(t *testing.T) {
	admin := dittofsv1alpha1.CredentialsAccess{MaxRole: dittofsv1alpha1.CredentialsAdmin, MaxDuration: "5m"}
	caps := accessOfClass{
		classes: classGetter{"open": {Credentials: admin, Proxy: true}, "closed": {Credentials: dittofsv1alpha1.CredentialsAccess{MaxRole: dittofsv1alpha1.CredentialsOperator}}},
		without: withoutClass{AccessOptions{WithoutClass: []string{accessOperator}}},
	}
	for name, c := range map[string]struct {
		class *string
		role  dittofsv1alpha1.CredentialsRole
		life  time.Duration
		by    string
		proxy bool
		err   bool
	}{
		"without a class the flag decides":          {nil, dittofsv1alpha1.CredentialsOperator, 0, byFlag, false, false},
		"with no class on purpose the flag decides": {ptr.To(""), dittofsv1alpha1.CredentialsOperator, 0, byFlag, false, false},
		"a class raises what the flag gives":        {ptr.To("open"), dittofsv1alpha1.CredentialsAdmin, 5 * time.Minute, `DittoServerClass "open"`, true, false},
		"a class with defaults":                     {ptr.To("closed"), dittofsv1alpha1.CredentialsOperator, 0, `DittoServerClass "closed"`, false, false},
		"a class that is gone gives nothing":        {ptr.To("gone"), "", 0, "does not exist", false, false},
		"a class that cannot be read is an error":   {ptr.To("broken"), "", 0, "", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			server := &dittofsv1alpha1.DittoServer{Spec: dittofsv1alpha1.DittoServerSpec{ClassName: c.class}}
			limit, err := caps.CredentialsCap(t.Context(), server)
			if (err != nil) != c.err || limit.Role != c.role || limit.Duration != c.life || !strings.Contains(limit.By, c.by) {
				t.Errorf("credentials: %+v, %v", limit, err)
			}
			allowed, why, err := caps.ProxyAllowed(t.Context(), server)
			if (err != nil) != c.err || allowed != c.proxy || !c.err && !strings.Contains(why, strings.TrimSuffix(c.by, ",")) {
				t.Errorf("proxy: %t, %q, %v", allowed, why, err)
			}
		})
	}
}
