// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/clock"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfsaccess"
	"github.com/dittofs/dittofs-apiserver/pkg/registry/credentials"
	"github.com/dittofs/dittofs-apiserver/pkg/registry/proxy"
)

const (
	accessOperator = string(dittofsv1alpha1.CredentialsOperator)
	accessAdmin    = string(dittofsv1alpha1.CredentialsAdmin)
	accessProxy    = "proxy"
)

// AccessOptions say what the live subresources of a server without a class offer to those who have the right to them.
type AccessOptions struct{ WithoutClass []string }

func newAccessOptions() AccessOptions { return AccessOptions{WithoutClass: []string{accessOperator}} }

func (o *AccessOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringSliceVar(&o.WithoutClass, "access-without-class", o.WithoutClass,
		"What users who have the right to it get from a DittoServer without a class: 'operator' and 'admin' are the highest role of dittoservers/credentials, 'proxy' switches dittoservers/proxy on. Empty: nothing. A class says so itself.")
}

func (o *AccessOptions) validate() []error {
	for _, value := range o.WithoutClass {
		if !slices.Contains([]string{accessOperator, accessAdmin, accessProxy}, value) {
			return []error{fmt.Errorf("--access-without-class=%s: %q must be one of %s, %s, %s",
				strings.Join(o.WithoutClass, ","), value, accessOperator, accessAdmin, accessProxy)}
		}
	}
	return nil
}

// withoutClass is what the flag says, for every server.
type withoutClass struct{ AccessOptions }

var (
	_ credentials.Caps = withoutClass{}
	_ proxy.Caps       = withoutClass{}
)

const byFlag = "--access-without-class of dittofs-apiserver"

func (o withoutClass) CredentialsCap(context.Context, *dittofsv1alpha1.DittoServer) (credentials.Cap, error) {
	limit := credentials.Cap{By: byFlag}
	switch {
	case slices.Contains(o.WithoutClass, accessAdmin):
		limit.Role = dittofsv1alpha1.CredentialsAdmin
	case slices.Contains(o.WithoutClass, accessOperator):
		limit.Role = dittofsv1alpha1.CredentialsOperator
	}
	return limit, nil
}

func (o withoutClass) ProxyAllowed(context.Context, *dittofsv1alpha1.DittoServer) (bool, string, error) {
	return slices.Contains(o.WithoutClass, accessProxy), byFlag + " does not list proxy", nil
}

// addLiveSubresources adds the subresources that act on a running server. They need no controller: every replica serves them.
func (s *Server) addLiveSubresources(resources map[string]rest.Storage, servers rest.Getter, authorizer authorizer.Authorizer) {
	access := &dfsaccess.Access{Host: s.host.client, URLTemplate: s.options.Controllers.DFSURLTemplate, Clock: clock.RealClock{}}
	caps := accessOfClass{&s.classes, withoutClass{s.options.Access}}
	resources["dittoservers/credentials"] = credentials.NewREST(credentials.Config{
		Scheme: s.scheme, Servers: servers, Issuer: access, Recorder: access, Caps: caps, Authorizer: authorizer,
	})
	resources["dittoservers/proxy"] = proxy.NewREST(proxy.Config{
		Servers: servers, Dialer: access, Issuer: access, Caps: caps, Limits: proxy.DefaultLimits(),
	})
}
