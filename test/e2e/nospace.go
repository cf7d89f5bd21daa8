// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

const (
	// room is what a store may grow before it is full. etcd looks at its quota less often in a larger one.
	room = 6 << 20
	// annotationSize is near the limit for all annotations of an object.
	annotationSize = 200 << 10
	quotaFlag      = "--quota-backend-bytes="
	fillPrefix     = "fill-"
)

// setQuota rolls etcd out with another quota, as a change of the manifests does.
func (p *production) setQuota(ctx context.Context, quota int64) error {
	set := &appsv1.StatefulSet{}
	if err := p.plane.Client().Get(ctx, client.ObjectKey{Namespace: systemNamespace, Name: etcdName}, set); err != nil {
		return err
	}
	i := slices.IndexFunc(set.Spec.Template.Spec.Containers[0].Args, func(arg string) bool { return strings.HasPrefix(arg, quotaFlag) })
	patch := fmt.Sprintf(`[{"op":"replace","path":"/spec/template/spec/containers/0/args/%d","value":"%s%d"}]`, i, quotaFlag, quota)
	if _, err := p.kubectl(ctx, "-n", systemNamespace, "patch", "statefulset/"+etcdName, "--type=json", "-p", patch); err != nil {
		return err
	}
	if err := p.rolledOut(ctx); err != nil {
		return err
	}
	return eventually(ctx, p.allWell)
}

// restartEtcd gives etcd a small quota, which restarts one member after another.
func (p *production) restartEtcd(ctx context.Context) (string, error) {
	members, err := p.members(ctx)
	if err != nil {
		return "", err
	}
	var size int64
	for _, m := range members {
		size = max(size, m.Size)
	}
	began := time.Now()
	if err := p.setQuota(ctx, size+room); err != nil {
		return "", err
	}
	return fmt.Sprintf("three members restarted in %.1f s", time.Since(began).Seconds()), nil
}

// full goes by "The store is full" of docs/backup.md: first with revisions that are not needed any more, then with objects that
// are.
func (p *production) full(ctx context.Context) (string, error) {
	page, err := p.open("backup.md", p.installed)
	if err != nil {
		return "", err
	}
	p.load.endWrites()
	before, err := p.reach(ctx, p.overwrite)
	if err != nil {
		return "", fmt.Errorf("filled with revisions: %w", err)
	}
	if err := errors.Join(page.follow(ctx, "the store is full: look"), page.follow(ctx, "the store is full: disarm")); err != nil {
		return "", err
	}
	if err := p.taken(ctx, "after-revisions"); err != nil {
		return "", err
	}
	if err := p.fillWithObjects(ctx); err != nil {
		return "", err
	}
	began := time.Now()
	if err := p.setQuota(ctx, before.Quota*4); err != nil {
		return "", err
	}
	if err := page.follow(ctx, "the store is full: disarm"); err != nil {
		return "", err
	}
	if err := p.taken(ctx, "after-objects"); err != nil {
		return "", err
	}
	raised := time.Since(began)
	if _, err := p.kubectl(ctx, "delete", "dittoserverclasses", "-l", fillPrefix+"label=yes", "--wait=false"); err != nil {
		return "", err
	}
	p.load.resumeWrites(ctx)
	return fmt.Sprintf("full of revisions: writes again after defrag --disarm; full of objects: after a higher quota and %.1f s", raised.Seconds()), nil
}

// fillWithObjects goes on until a compaction gives no room any more, which the command says instead of disarming.
func (p *production) fillWithObjects(ctx context.Context) error {
	for range 5 {
		if _, err := p.reach(ctx, p.create); err != nil {
			return fmt.Errorf("filled with objects: %w", err)
		}
		if _, err := p.etcd(ctx, "defrag", "--disarm"); err != nil {
			if strings.Contains(err.Error(), "raise the quota") {
				return nil
			}
			return err
		}
	}
	return errors.New("a store that is full of objects is disarmed again and again")
}

// reach fills the store until a write is refused, and looks at what the runbook says is to be seen.
func (p *production) reach(ctx context.Context, write func(context.Context, int) error) (member, error) {
	var refused error
	for i := 0; refused == nil; i++ {
		if i > 8*room/annotationSize {
			return member{}, errors.New("the store does not get full")
		}
		refused = write(ctx, i)
	}
	var answer apierrors.APIStatus
	if !errors.As(refused, &answer) || answer.Status().Code != http.StatusInsufficientStorage || answer.Status().Reason != "StoreFull" {
		return member{}, fmt.Errorf("a write to a full store: %w", refused)
	}
	members, err := p.members(ctx)
	if err != nil {
		return member{}, err
	}
	for _, m := range members {
		if slices.Contains(m.Alarms, "NOSPACE") {
			return m, p.served(ctx)
		}
	}
	return member{}, fmt.Errorf("no member has the alarm NOSPACE: %+v", members)
}

func (p *production) overwrite(ctx context.Context, i int) error {
	if i == 0 {
		return p.create(ctx, 0)
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": filling(i)}})
	if err != nil {
		return err
	}
	_, err = p.dittofs.DittofsV1alpha1().DittoServerClasses().Patch(ctx, fillPrefix+"0", types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

func (p *production) create(ctx context.Context, i int) error {
	class := &dittofsv1alpha1.DittoServerClass{ObjectMeta: metav1.ObjectMeta{
		Name: fmt.Sprintf("%s%d", fillPrefix, i), Labels: map[string]string{fillPrefix + "label": "yes"}, Annotations: filling(i),
	}}
	_, err := p.dittofs.DittofsV1alpha1().DittoServerClasses().Create(ctx, class, metav1.CreateOptions{})
	return client.IgnoreAlreadyExists(err)
}

func filling(i int) map[string]string {
	return map[string]string{"e2e.dittofs.test/filling": fmt.Sprintf("%d", i) + strings.Repeat("x", annotationSize)}
}

// taken succeeds when every replica's etcd takes a write again.
func (p *production) taken(ctx context.Context, name string) error {
	return eventually(ctx, func(ctx context.Context) error {
		class := &dittofsv1alpha1.DittoServerClass{ObjectMeta: metav1.ObjectMeta{Name: name}}
		_, err := p.dittofs.DittofsV1alpha1().DittoServerClasses().Create(ctx, class, metav1.CreateOptions{})
		return client.IgnoreAlreadyExists(err)
	})
}
