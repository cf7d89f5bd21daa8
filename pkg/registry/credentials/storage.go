// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package credentials serves dittoservers/credentials: in goes a CredentialsRequest for one DittoServer, out comes the
// same with a short-lived token of its dfs API, in the manner of a ServiceAccount's TokenRequest. Each token is an audit
// annotation, an event and a count. It stores nothing, reads no Secret itself, and never writes a token anywhere else.
package credentials

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/apis/dittofs/validation"
)

// TokenIssuer signs tokens with the rights of the server, not with those of the requester.
type TokenIssuer interface {
	// JWTSecret names the Secret that tokens of a server are signed with.
	JWTSecret(server *dittofsv1alpha1.DittoServer) string
	// Issue signs a token and says when it ends. Its error is the answer to the request.
	Issue(ctx context.Context, server *dittofsv1alpha1.DittoServer, username string, role dittofsv1alpha1.CredentialsRole, ttl time.Duration) (string, time.Time, error)
}

// Recorder tells the people of the namespace that a token was handed out.
type Recorder interface {
	Issued(ctx context.Context, server *dittofsv1alpha1.DittoServer, note string) error
}

// Cap is the most that may be asked for.
type Cap struct {
	// Role is the highest role; empty means none at all.
	Role dittofsv1alpha1.CredentialsRole
	// Duration is the longest life of a token. Zero: the longest that there is.
	Duration time.Duration
	// By says in a few words what sets it, for a refusal: class "gold".
	By string
}

// Caps says what may be asked for of a server.
type Caps interface {
	CredentialsCap(ctx context.Context, server *dittofsv1alpha1.DittoServer) (Cap, error)
}

// Config is what the subresource is made of.
type Config struct {
	Scheme *runtime.Scheme
	// Servers are the DittoServers as stored.
	Servers    rest.Getter
	Issuer     TokenIssuer
	Recorder   Recorder
	Caps       Caps
	Authorizer authorizer.Authorizer
}

// REST serves the subresource.
type REST struct{ config Config }

var (
	_ rest.NamedCreater                   = &REST{}
	_ rest.SubresourceObjectMetaPreserver = &REST{}
)

// NewREST returns the subresource.
func NewREST(config Config) *REST { return &REST{config} }

// New returns an empty request.
func (*REST) New() runtime.Object { return &dittofsv1alpha1.CredentialsRequest{} }

// Destroy does nothing: there is nothing that this storage keeps.
func (*REST) Destroy() {}

// PreserveRequestObjectMetaSystemFieldsOnSubresourceCreate keeps the uid, by which a caller says which server they mean.
func (*REST) PreserveRequestObjectMetaSystemFieldsOnSubresourceCreate() bool { return true }

// Create answers a request. A dry run checks everything and hands out nothing.
func (r *REST) Create(ctx context.Context, name string, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	asked, ok := obj.(*dittofsv1alpha1.CredentialsRequest)
	if !ok {
		// The library decodes whatever kind of the group is in the body.
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the body must be a CredentialsRequest, not a %T", obj))
	}
	caller, ok := request.UserFrom(ctx)
	if !ok {
		return nil, apierrors.NewInternalError(errors.New("the request has no user"))
	}
	server, err := r.server(ctx, name, asked)
	if err != nil {
		return nil, err
	}
	limit, err := r.config.Caps.CredentialsCap(ctx, server)
	if err != nil {
		return nil, err
	}
	out := prepare(asked, server, limit)
	if errs := r.invalid(ctx, out, limit); len(errs) > 0 {
		return nil, apierrors.NewInvalid(dittofsv1alpha1.SchemeGroupVersion.WithKind("CredentialsRequest").GroupKind(), name, errs)
	}
	if err := limit.admits(server, out.Spec.Role); err != nil {
		return nil, err
	}
	if validate != nil {
		if err := validate(ctx, out.DeepCopy()); err != nil {
			return nil, err
		}
	}
	if out.Spec.Role == dittofsv1alpha1.CredentialsAdmin {
		if err := r.requireAdmin(ctx, caller, server); err != nil {
			return nil, err
		}
	}
	username := validation.DFSUsername(caller.GetName())
	ttl := time.Duration(*out.Spec.ExpirationSeconds) * time.Second
	token, expires, err := r.config.Issuer.Issue(ctx, server, username, out.Spec.Role, ttl)
	if err != nil {
		return nil, err
	}
	warnOfMismatch(ctx, server)
	out.Status = dittofsv1alpha1.CredentialsRequestStatus{
		ExpirationTimestamp: metav1.NewTime(expires), Username: username, Endpoint: server.Status.Endpoints.API,
	}
	if len(options.DryRun) > 0 {
		return out, nil
	}
	out.Status.Token = token
	r.report(ctx, server, out, caller.GetName())
	return out, nil
}

// server looks the DittoServer up, and says whether the request is about that one.
func (r *REST) server(ctx context.Context, name string, asked *dittofsv1alpha1.CredentialsRequest) (*dittofsv1alpha1.DittoServer, error) {
	namespace := request.NamespaceValue(ctx)
	path := field.NewPath("metadata")
	var errs field.ErrorList
	if asked.Name != "" && asked.Name != name {
		errs = append(errs, field.Invalid(path.Child("name"), asked.Name, fmt.Sprintf("must be the name of the DittoServer, %q, or left out", name)))
	}
	if asked.Namespace != "" && asked.Namespace != namespace {
		errs = append(errs, field.Invalid(path.Child("namespace"), asked.Namespace, fmt.Sprintf("must be the namespace of the DittoServer, %q, or left out", namespace)))
	}
	if len(errs) > 0 {
		return nil, apierrors.NewInvalid(dittofsv1alpha1.SchemeGroupVersion.WithKind("CredentialsRequest").GroupKind(), name, errs)
	}
	found, err := r.config.Servers.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	server := found.(*dittofsv1alpha1.DittoServer)
	if asked.UID != "" && asked.UID != server.UID {
		return nil, apierrors.NewConflict(dittofsv1alpha1.Resource("dittoservers"), name,
			fmt.Errorf("it has the uid %s, and the request is about %s", server.UID, asked.UID))
	}
	return server, nil
}

// prepare is the request with nothing of the caller's but the spec, and with what a cap makes of a life left open.
func prepare(asked *dittofsv1alpha1.CredentialsRequest, server *dittofsv1alpha1.DittoServer, limit Cap) *dittofsv1alpha1.CredentialsRequest {
	out := &dittofsv1alpha1.CredentialsRequest{
		TypeMeta: asked.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Name: server.Name, Namespace: server.Namespace, UID: server.UID, CreationTimestamp: metav1.Now(),
		},
		Spec: *asked.Spec.DeepCopy(),
	}
	if out.Spec.ExpirationSeconds == nil {
		out.Spec.ExpirationSeconds = ptr.To(min(dittofsv1alpha1.DefaultCredentialsSeconds, limit.seconds()))
	}
	return out
}

// report says three times that a token was handed out. The event is for people who see no audit log; that it could not
// be written does not take the token back.
func (r *REST) report(ctx context.Context, server *dittofsv1alpha1.DittoServer, out *dittofsv1alpha1.CredentialsRequest, caller string) {
	role, expires := string(out.Spec.Role), out.Status.ExpirationTimestamp.UTC().Format(time.RFC3339)
	audit.AddAuditAnnotations(ctx,
		AuditRole, role, AuditExpires, expires, AuditUsername, out.Status.Username)
	issued.WithLabelValues(role).Inc()
	note := fmt.Sprintf("User %q was given a token of the dfs API: role %s, until %s, as %s", caller, role, expires, out.Status.Username)
	if err := r.config.Recorder.Issued(ctx, server, note); err != nil {
		warning.AddWarning(ctx, "", "the token is good, and no event could be written about it")
		klog.FromContext(ctx).Error(err, "A token was handed out and there is no event about it", "dittoserver", klog.KObj(server), "role", role, "user", caller)
	}
}
