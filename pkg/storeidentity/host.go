// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package storeidentity

import (
	"context"
	"fmt"
	"maps"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
)

// ConfigMapName is the ConfigMap of the host that remembers the store.
const ConfigMapName = "dittofs-store"

const (
	keyID       = "id"
	keyRevision = "revision"
)

type host struct {
	client    kubernetes.Interface
	namespace string
}

// read returns nil when the host knows no store yet.
func (h *host) read(ctx context.Context) (*record, error) {
	configMap, err := h.client.CoreV1().ConfigMaps(h.namespace).Get(ctx, ConfigMapName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ConfigMap %s/%s of the host cluster: %w", h.namespace, ConfigMapName, err)
	}
	return parse(configMap)
}

func parse(configMap *corev1.ConfigMap) (*record, error) {
	if configMap.Data[keyID] == "" {
		return nil, nil
	}
	revision, err := strconv.ParseInt(configMap.Data[keyRevision], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("ConfigMap %s/%s of the host cluster: key %s: %w", configMap.Namespace, configMap.Name, keyRevision, err)
	}
	return &record{ID: configMap.Data[keyID], Revision: revision}, nil
}

// write makes the host remember the record, unless it already knows as much.
// With force it forgets what it knew of another store, or of later times of this
// one; without, that is an error: such a store has not been accepted.
func (h *host) write(ctx context.Context, r *record, force bool) error {
	configMaps := h.client.CoreV1().ConfigMaps(h.namespace)
	data := map[string]string{keyID: r.ID, keyRevision: strconv.FormatInt(r.Revision, 10)}
	// Of two replicas that start on a new host, the slower one finds the ConfigMap made.
	raced := func(err error) bool { return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) }
	err := retry.OnError(retry.DefaultRetry, raced, func() error {
		configMap, err := configMaps.Get(ctx, ConfigMapName, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			_, err = configMaps.Create(ctx, &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Name: ConfigMapName, Namespace: h.namespace}, Data: data,
			}, metav1.CreateOptions{})
			return err
		}
		if err != nil {
			return err
		}
		if known, err := parse(configMap); err == nil && known != nil && !force {
			if known.ID != r.ID {
				return fmt.Errorf("it names store %s, this is store %s", known.ID, r.ID)
			}
			if known.Revision >= r.Revision {
				return nil
			}
		}
		if maps.Equal(configMap.Data, data) {
			return nil
		}
		configMap.Data = data
		_, err = configMaps.Update(ctx, configMap, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("write ConfigMap %s/%s of the host cluster: %w", h.namespace, ConfigMapName, err)
	}
	return nil
}

// reportReplaced leaves an event beside the ConfigMap, where an operator looks.
func (h *host) reportReplaced(ctx context.Context, message string) error {
	now := metav1.Now()
	_, err := h.client.CoreV1().Events(h.namespace).Create(ctx, &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{GenerateName: ConfigMapName + ".", Namespace: h.namespace},
		InvolvedObject: corev1.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Namespace: h.namespace, Name: ConfigMapName},
		Type:           corev1.EventTypeWarning,
		Reason:         ReasonStoreReplaced,
		Message:        message,
		Source:         corev1.EventSource{Component: "dittofs-apiserver"},
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
	}, metav1.CreateOptions{})
	return err
}
