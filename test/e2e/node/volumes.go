// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// StorageClass is the default one: a directory of the node for each claim, made when its pod is scheduled.
	StorageClass = "directories"
	provisioner  = "dittofs.test/directories"
	selectedNode = "volume.kubernetes.io/selected-node"
)

// Volumes makes a directory for each claim, and removes it when the claim is gone.
type Volumes struct {
	Client client.Client
	Dir    string
}

// Install makes the storage class.
func (v Volumes) Install(ctx context.Context) error {
	class := &storagev1.StorageClass{
		ObjectMeta:        metav1.ObjectMeta{Name: StorageClass, Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}},
		Provisioner:       provisioner,
		ReclaimPolicy:     ptr.To(corev1.PersistentVolumeReclaimDelete),
		VolumeBindingMode: ptr.To(storagev1.VolumeBindingWaitForFirstConsumer),
	}
	return v.Client.Create(ctx, class)
}

// Run works until ctx is done. A claim more or less twice a second is nothing to set up watches for.
func (v Volumes) Run(ctx context.Context) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := errors.Join(v.provision(ctx), v.reclaim(ctx)); err != nil && ctx.Err() == nil {
			klog.ErrorS(err, "Volumes")
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (v Volumes) provision(ctx context.Context) error {
	var claims corev1.PersistentVolumeClaimList
	if err := v.Client.List(ctx, &claims); err != nil {
		return err
	}
	var errs []error
	for _, claim := range claims.Items {
		class := ptr.Deref(claim.Spec.StorageClassName, "")
		if claim.Status.Phase != corev1.ClaimPending || class != StorageClass || claim.Annotations[selectedNode] == "" || claim.DeletionTimestamp != nil {
			continue
		}
		errs = append(errs, v.create(ctx, &claim))
	}
	return errors.Join(errs...)
}

func (v Volumes) create(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	name := "pvc-" + string(claim.UID)
	dir := filepath.Join(v.Dir, name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("make a volume: %w", err)
	}
	// The kubelet gives a directory of the node to no group; whoever runs in the pod may write.
	if err := os.Chmod(dir, 0o777); err != nil {
		return fmt.Errorf("open a volume: %w", err)
	}
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": provisioner}},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes:                   claim.Spec.AccessModes,
			Capacity:                      claim.Spec.Resources.Requests,
			StorageClassName:              StorageClass,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: dir}},
		},
	}
	if err := v.Client.Create(ctx, volume); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return nil
}

func (v Volumes) reclaim(ctx context.Context) error {
	var volumes corev1.PersistentVolumeList
	if err := v.Client.List(ctx, &volumes); err != nil {
		return err
	}
	var errs []error
	for _, volume := range volumes.Items {
		if volume.Status.Phase != corev1.VolumeReleased || volume.Annotations["pv.kubernetes.io/provisioned-by"] != provisioner {
			continue
		}
		errs = append(errs, os.RemoveAll(volume.Spec.HostPath.Path), client.IgnoreNotFound(v.Client.Delete(ctx, &volume)))
	}
	return errors.Join(errs...)
}
