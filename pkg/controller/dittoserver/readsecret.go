// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// dfs takes a first password of 8 to 72 bytes, and exits on any other.
const (
	minPasswordBytes = 8
	maxPasswordBytes = 72
)

// purposes are the words for start Secrets in messages.
var purposes = map[string]string{
	render.PurposeJWT:      "JWT signing secret",
	render.PurposeAdmin:    "first admin password",
	render.PurposePostgres: "PostgreSQL connection",
}

// read reads one start Secret from the API and checks what dfs would exit over. ok is false after a noted problem.
func (p *pass) read(ctx context.Context, want render.StartSecret) (values map[render.SecretKey][]byte, ok bool, err error) {
	what := fmt.Sprintf("Secret %s (%s)", want.Name, purposes[want.Purpose])
	secret, err := p.content(ctx, want.Name)
	switch {
	case apierrors.IsNotFound(err):
		p.unusable(reasonSecretNotFound, "The %s does not exist. Create it with %s.", what, keyList(want.Keys))
		return nil, false, nil
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		p.recheck(refusedRetry)
		p.unusable(reasonSecretUnreadable, "The %s cannot be read: %s. Allow the controllers to get Secrets in this namespace.", what, apiMessage(err))
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("read %s: %w", what, err)
	}
	values, ok = map[render.SecretKey][]byte{}, true
	var missing []string
	for _, key := range want.Keys {
		value, present := secret.Data[key]
		if !present {
			missing = append(missing, key)
			continue
		}
		values[render.SecretKey{Name: want.Name, Key: key}] = value
		ok = p.measure(what, want.Purpose, key, len(value)) && ok
	}
	if len(missing) > 0 {
		p.unusable(reasonSecretKeyMissing, "The %s lacks %s. Add what is missing.", what, keyList(missing))
		ok = false
	}
	for _, key := range want.OptionalKeys {
		if value, present := secret.Data[key]; present {
			values[render.SecretKey{Name: want.Name, Key: key}] = value
		}
	}
	return values, ok, nil
}

// content is that of a Secret as the API has it now. What this pass has made itself need not be asked for.
func (p *pass) content(ctx context.Context, name string) (*corev1.Secret, error) {
	if secret, ok := p.generated[name]; ok {
		return secret, nil
	}
	secret := &corev1.Secret{}
	return secret, p.Live.Get(ctx, types.NamespacedName{Namespace: p.key.Namespace, Name: name}, secret)
}

func (p *pass) measure(what, purpose, key string, n int) bool {
	switch {
	case purpose == render.PurposeJWT && n < dfs.MinSecretBytes:
		p.unusable(reasonSecretTooShort, "The key %q of the %s has %d bytes. Put at least %d there.", key, what, n, dfs.MinSecretBytes)
	case purpose == render.PurposeAdmin && n < minPasswordBytes:
		p.unusable(reasonSecretTooShort, "The key %q of the %s has %d bytes. Put %d to %d there.", key, what, n, minPasswordBytes, maxPasswordBytes)
	case purpose == render.PurposeAdmin && n > maxPasswordBytes:
		p.unusable(reasonSecretTooLong, "The key %q of the %s has %d bytes. Put %d to %d there.", key, what, n, minPasswordBytes, maxPasswordBytes)
	default:
		return true
	}
	return false
}

// unusable notes a start Secret that dfs could not start with, and what that holds up.
func (p *pass) unusable(reason, format string, args ...any) {
	consequence := " The server is not started before that."
	if p.set != nil {
		consequence = " Until then the pod and its configuration stay as they are."
	}
	p.add(0, dittofsv1alpha1.ConditionConfigReady, reason, "%s%s", fmt.Sprintf(format, args...), consequence)
}

// keyList writes the keys of a Secret as a sentence has them.
func keyList(keys []string) string {
	quoted := `"` + strings.Join(keys, `", "`) + `"`
	if len(keys) == 1 {
		return "the key " + quoted
	}
	return "the keys " + quoted
}
