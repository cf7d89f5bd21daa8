// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package proxy serves dittoservers/proxy: in goes an HTTP request below the subresource, out comes what the dfs API of that
// server answers to it, asked as an admin in the name of the caller. Only the routes of a list are passed on.
// No header of the caller reaches dfs, none of dfs reaches the caller unless it is needed, and no redirect is followed.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/apis/dittofs/validation"
)

// Dialer finds servers.
type Dialer interface {
	// Dial returns the URL of a server's API and a transport that leads to it and to nothing else. Its error, and that of
	// the transport, is the answer to the request.
	Dial(ctx context.Context, server *dittofsv1alpha1.DittoServer) (*url.URL, http.RoundTripper, error)
}

// TokenIssuer signs the token of one request.
type TokenIssuer interface {
	Issue(ctx context.Context, server *dittofsv1alpha1.DittoServer, username string, role dittofsv1alpha1.CredentialsRole, ttl time.Duration) (string, time.Time, error)
}

// Caps says whether a server may be reached this way.
type Caps interface {
	// ProxyAllowed is false, with what decides that and can be changed, where the proxy is switched off.
	ProxyAllowed(ctx context.Context, server *dittofsv1alpha1.DittoServer) (bool, string, error)
}

// AuditUsername is the audit annotation with the name that the log of the server has for the caller.
const AuditUsername = "dittofs.io/proxy-username"

// Limits bound one request.
type Limits struct {
	// Time is less than the 60 seconds that the API gives to every request, so that it is us who answer.
	Time time.Duration
	// RequestBytes is what dfs takes, ResponseBytes far more than it has to say.
	RequestBytes, ResponseBytes int64
}

// DefaultLimits are those of a server that runs.
func DefaultLimits() Limits {
	return Limits{Time: 50 * time.Second, RequestBytes: 1 << 20, ResponseBytes: 8 << 20}
}

// Config is what the subresource is made of.
type Config struct {
	// Servers are the DittoServers as stored.
	Servers rest.Getter
	Dialer  Dialer
	Issuer  TokenIssuer
	Caps    Caps
	Limits  Limits
}

// REST serves the subresource.
type REST struct{ config Config }

var _ rest.Connecter = &REST{}

// NewREST returns the subresource.
func NewREST(config Config) *REST { return &REST{config} }

// New returns empty options.
func (*REST) New() runtime.Object { return &dittofsv1alpha1.DittoServerProxyOptions{} }

// Destroy does nothing: there is nothing that this storage keeps.
func (*REST) Destroy() {}

// ConnectMethods are those that Kubernetes has a verb for. OPTIONS has none, so that nobody could be allowed or denied it.
func (*REST) ConnectMethods() []string {
	return []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
}

// NewConnectOptions asks for the path below the subresource.
func (*REST) NewConnectOptions() (runtime.Object, bool, string) {
	return &dittofsv1alpha1.DittoServerProxyOptions{}, true, "path"
}

// Connect decides whether the server may be reached, and returns what passes the request on.
func (r *REST) Connect(ctx context.Context, name string, options runtime.Object, responder rest.Responder) (http.Handler, error) {
	asked, ok := options.(*dittofsv1alpha1.DittoServerProxyOptions)
	if !ok {
		return nil, apierrors.NewInternalError(fmt.Errorf("options of type %T", options))
	}
	caller, ok := request.UserFrom(ctx)
	if !ok {
		return nil, apierrors.NewInternalError(errors.New("the request has no user"))
	}
	found, err := r.config.Servers.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	server := found.(*dittofsv1alpha1.DittoServer)
	allowed, why, err := r.config.Caps.ProxyAllowed(ctx, server)
	if err != nil {
		return nil, err
	}
	if !allowed {
		return nil, forbidden(server, errors.New("the proxy is switched off: "+why))
	}
	username := validation.DFSUsername(caller.GetName())
	audit.AddAuditAnnotation(ctx, AuditUsername, username)
	return &passage{config: r.config, server: server, path: asked.Path, username: username, responder: responder}, nil
}

func forbidden(server *dittofsv1alpha1.DittoServer, why error) error {
	return apierrors.NewForbidden(dittofsv1alpha1.Resource("dittoservers/proxy"), server.Name, why)
}
