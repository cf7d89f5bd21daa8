// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// secretReader reads Secrets from the API, never from a cache.
type secretReader struct{ client.Reader }

func (r secretReader) get(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := r.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, secret)
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("there is no Secret %s", name)
	case err != nil:
		return nil, fmt.Errorf("read Secret %s: %w", name, err)
	}
	return secret, nil
}

// secrets remembers the JWT secrets of one server: the current value, and the one that the running process started with,
// which is the only one it accepts. A process reads its environment once.
type secrets struct {
	version string
	current []byte
	of      process
	started []byte
}

// refresh reads the Secret if its version is another one than last time, and takes the value for the running process's
// own when the process is new. After a restart of the controller that may be wrong; then the API answers 401.
func (s *secrets) refresh(ctx context.Context, live secretReader, namespace string, t Target) error {
	if s.version != t.SecretVersion || t.SecretVersion == "" || len(s.current) == 0 {
		secret, err := live.get(ctx, namespace, t.Secret.Name)
		if err != nil {
			return err
		}
		value := secret.Data[t.Secret.Key]
		if len(value) == 0 {
			return fmt.Errorf("the Secret %s has no key %s", t.Secret.Name, t.Secret.Key)
		}
		s.version, s.current = versionOf(secret), value
	}
	if s.of != t.process() {
		s.of, s.started = t.process(), s.current
	}
	return nil
}

// candidates are the values to try, the likeliest first.
func (s *secrets) candidates() [][]byte {
	var out [][]byte
	if len(s.started) > 0 {
		out = append(out, s.started)
	}
	if len(s.current) > 0 && string(s.current) != string(s.started) {
		out = append(out, s.current)
	}
	return out
}

// accepted records the value that the running process takes.
func (s *secrets) accepted(value []byte) { s.started = value }
