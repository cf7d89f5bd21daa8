// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/watches"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// soon is the wait for somebody who was faster.
const soon = time.Second

// credentials makes the Secrets that the spec does not refer to, once: an existing one is never written. It returns the
// names of Secrets that must not be read, because they are missing for a reason already noted, or somebody else's.
func (p *pass) credentials(ctx context.Context) (map[string]bool, error) {
	blocked := map[string]bool{}
	if p.server.Spec.Identity.JWT.SecretRef == nil {
		ok, err := p.credential(ctx, render.JWTSecretName(p.server.Name), "spec.identity.jwt.secretRef", newJWTSecret)
		if err != nil {
			return nil, err
		}
		blocked[render.JWTSecretName(p.server.Name)] = !ok
	}
	// dfs reads the first password at its very first start only. For a server that exists a new one would be a lie.
	if p.server.Spec.Identity.Admin.PasswordSecretRef == nil && p.set == nil {
		ok, err := p.credential(ctx, render.AdminSecretName(p.server.Name), "spec.identity.admin.passwordSecretRef", newAdminSecret)
		if err != nil {
			return nil, err
		}
		blocked[render.AdminSecretName(p.server.Name)] = !ok
	}
	if p.server.Spec.Identity.Admin.PasswordSecretRef == nil && p.set != nil {
		if err := p.keptCredential(ctx, render.AdminSecretName(p.server.Name)); err != nil {
			return nil, err
		}
	}
	maps.DeleteFunc(blocked, func(_ string, b bool) bool { return !b })
	return blocked, nil
}

// keptCredential notes a Secret that was generated once and is not needed any more.
func (p *pass) keptCredential(ctx context.Context, name string) error {
	found := watches.NewSecretMetadata()
	err := p.Host.Get(ctx, types.NamespacedName{Namespace: p.key.Namespace, Name: name}, found)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("look up Secret %s in the cache: %w", name, err)
	case apply.Ours(found, p.server.Name, ""), p.inherited(found):
		p.mine("v1", "Secret", name)
	}
	return nil
}

// inherited says that a Secret that nobody has is what the DittoFS operator has generated for an adopted server. It is read
// and never written, not even labelled: who may only read Secrets can adopt.
func (p *pass) inherited(secret client.Object) bool {
	return (adoptionAsked(p.server) || adopted(p.set)) && !p.othersHave(secret) && !apply.HeldUpstream(secret)
}

// credential makes one Secret if there is none, and says whether it is there to be read.
func (p *pass) credential(ctx context.Context, name, field string, generate func() (map[string][]byte, error)) (bool, error) {
	key := types.NamespacedName{Namespace: p.key.Namespace, Name: name}
	found := watches.NewSecretMetadata()
	switch err := p.Host.Get(ctx, key, found); {
	case err == nil:
		return p.mayRead(found, field), nil
	case !apierrors.IsNotFound(err):
		return false, fmt.Errorf("look up Secret %s in the cache: %w", name, err)
	}
	// The cache may not show yet what the last pass made. The API tells, by refusing a second one.
	var refusal error
	if !p.dryRun {
		data, err := generate()
		if err != nil {
			return false, fmt.Errorf("generate the content of Secret %s: %w", name, err)
		}
		secret := render.GeneratedSecret(p.server, name, data)
		if refusal = p.Host.Create(ctx, secret); refusal == nil {
			if p.generated == nil {
				p.generated = map[string]*corev1.Secret{}
			}
			p.generated[name] = secret
			p.created = append(p.created, "Secret "+name)
			p.mine("v1", "Secret", name)
			p.regenerated = p.regenerated || p.set != nil
			return true, nil
		}
	}
	switch err := p.Live.Get(ctx, key, found); {
	case err == nil:
		return p.mayRead(found, field), nil
	case !apierrors.IsNotFound(err):
		return false, fmt.Errorf("look up Secret %s: %w", name, err)
	case p.dryRun:
		p.plan = append(p.plan, "create Secret "+name)
		return false, nil
	}
	return false, p.refusedCredential(name, field, refusal)
}

// mayRead says whether a Secret with the name of a generated one is ours, and notes that, or that it is not.
func (p *pass) mayRead(found client.Object, field string) bool {
	if !apply.Ours(found, p.server.Name, "") && !p.inherited(found) {
		p.nameConflict("Secret", found.GetName(), apply.DescribeOwner(found)+", or name it in "+field, found)
		return false
	}
	p.mine("v1", "Secret", found.GetName())
	return true
}

// refusedCredential notes why a Secret was not made.
func (p *pass) refusedCredential(name, field string, refusal error) error {
	switch {
	case apierrors.IsAlreadyExists(refusal): // and it has gone since
		p.recheck(soon)
	case apierrors.HasStatusCause(refusal, corev1.NamespaceTerminatingCause):
	case apierrors.IsForbidden(refusal):
		p.add(refusedRetry, dittofsv1alpha1.ConditionConfigReady, reasonCredentialsRefused,
			"The Secret %s cannot be generated: %s. Set %s to a Secret of your own, or install the component generate-credentials.",
			name, apiMessage(refusal), field)
	default:
		return p.refused("Secret", name, fmt.Errorf("create Secret %s: %w", name, refusal))
	}
	return nil
}
