// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/watches"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// startState is what is known of the Secrets that dfs reads at its start.
type startState struct {
	// ready says that all of them are usable; only then are the others set.
	ready        bool
	configHash   string
	postgresKeys map[string]bool
	// spec and secrets are digests of what reaches the pod.
	spec    string
	secrets string
	// database is where the database is, without its password.
	database databaseIdentity
}

// startSecrets reads the start Secrets, if anything about them or the configuration has changed since the last time.
func (p *pass) startSecrets(ctx context.Context, blocked map[string]bool) (startState, error) {
	config, err := render.HashedConfig(p.server, p.claimTemplates())
	if err != nil {
		p.add(0, dittofsv1alpha1.ConditionConfigReady, reasonInvalidSpec, "The spec cannot be rendered: %s.", err)
		return startState{}, nil
	}
	inputs, err := podInputs(p.server)
	if err != nil {
		return startState{}, err
	}
	wanted := p.wantedSecrets()
	fingerprint, err := p.fingerprint(ctx, append(inputs, config...), wanted)
	if err != nil {
		return startState{}, err
	}
	if known, ok := p.hashes.get(p.key); ok && known.fingerprint == fingerprint && len(blocked) == 0 {
		p.startCertificates, p.startRead = known.certificates, true
		return known.state, nil
	}
	usable := true
	contents, all := map[render.SecretKey][]byte{}, map[render.SecretKey][]byte{}
	for _, secret := range wanted {
		if blocked[secret.Name] {
			usable = false
			continue
		}
		values, ok, err := p.read(ctx, secret)
		if err != nil {
			return startState{}, err
		}
		usable = usable && ok
		p.startCertificates = append(p.startCertificates, certificatesIn(secret, values)...)
		maps.Copy(all, values)
		if secret.Hashed {
			maps.Copy(contents, values)
		}
	}
	p.startRead = true
	if !usable {
		p.hashes.forget(p.key)
		return startState{}, nil
	}
	key := all[render.JWTSecret(p.server)]
	state := startState{
		ready:        true,
		configHash:   render.ConfigHash(key, config, contents),
		postgresKeys: p.postgresKeys(all),
		spec:         digest(inputs),
		secrets:      render.ConfigHash(key, nil, contents)[:24],
		database:     p.databaseIdentity(all),
	}
	p.hashes.put(p.key, hashed{fingerprint, state, p.startCertificates})
	return state, nil
}

// claimTemplates are those of the live StatefulSet, nil if there is none.
func (p *pass) claimTemplates() []corev1.PersistentVolumeClaim {
	if p.set == nil {
		return nil
	}
	if p.set.Spec.VolumeClaimTemplates == nil {
		return []corev1.PersistentVolumeClaim{}
	}
	return p.set.Spec.VolumeClaimTemplates
}

// wantedSecrets are the Secrets that the next start needs. The seeds are read at the very first start only, and the pod
// asks for them no more firmly than that.
func (p *pass) wantedSecrets() []render.StartSecret {
	secrets := render.StartSecrets(p.server)
	if p.set != nil {
		secrets = slices.DeleteFunc(secrets, func(s render.StartSecret) bool { return s.Purpose == render.PurposeAdmin })
	}
	return p.dueSecrets(secrets)
}

func (p *pass) postgresKeys(values map[render.SecretKey][]byte) map[string]bool {
	keys := map[string]bool{}
	if ref := p.server.Spec.Database.PostgresSecretRef; ref != nil {
		for k := range values {
			if k.Name == ref.Name {
				keys[k.Key] = true
			}
		}
	}
	return keys
}

// fingerprint names the versions of the Secrets that the cache shows, and the configuration. It holds no value.
func (p *pass) fingerprint(ctx context.Context, config []byte, secrets []render.StartSecret) (string, error) {
	var b strings.Builder
	b.Write(config)
	for _, s := range secrets {
		meta := watches.NewSecretMetadata()
		err := p.Host.Get(ctx, types.NamespacedName{Namespace: p.key.Namespace, Name: s.Name}, meta)
		if err != nil && !apierrors.IsNotFound(err) {
			return "", fmt.Errorf("look up Secret %s in the cache: %w", s.Name, err)
		}
		fmt.Fprintf(&b, "\n%s %q %q %q %s/%s", s.Purpose, s.Name, s.Keys, s.OptionalKeys, meta.UID, meta.ResourceVersion)
	}
	return b.String(), nil
}

// hashed is the outcome of the last reading of the start Secrets, without their values.
type hashed struct {
	fingerprint  string
	state        startState
	certificates []certificate
}

// hashMemory saves reading Secrets that have not changed.
type hashMemory struct{ table[hashed] }
