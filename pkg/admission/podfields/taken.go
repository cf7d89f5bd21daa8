// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package podfields

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What the host has taken is known for a moment: `kubectl diff` before `kubectl
// apply`, and many servers out of one manifest, are one question. As many answers
// are kept as fit in about 100 kB.
const (
	takenFor  = 10 * time.Second
	takenKept = 1024
)

// check has the host check the fields, unless it took the same ones in the same
// namespace a moment ago. A refusal is never kept.
func (p *Plugin) check(ctx context.Context, namespace string, template *corev1.PodTemplate) ([]metav1.StatusCause, error) {
	text, err := json.Marshal(template)
	if err != nil {
		return nil, fmt.Errorf("encode the fields of the pod: %w", err)
	}
	key := fmt.Sprintf("%s/%x", namespace, sha256.Sum256(text))
	if _, taken := p.taken.Get(key); taken {
		return nil, nil
	}
	causes, err := p.dryRun(ctx, namespace, template)
	if err == nil && len(causes) == 0 {
		p.taken.Add(key, nil, takenFor)
	}
	return causes, err
}
