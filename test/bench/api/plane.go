// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dittofs/dittofs-apiserver/pkg/controller"
	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
	"github.com/dittofs/dittofs-apiserver/test/controlplane"
)

// bench is a cluster with the three subjects in it, and what was measured so far.
type bench struct {
	options  options
	plane    *controlplane.ControlPlane
	server   *controlplane.DittoFS
	subjects []*subject
	table    table

	classTables []classTable
	// tenants are the namespaces that were made for creates with and without a class.
	tenants int

	objectBytes int64
}

// user is who the requests are from.
const user = "bench"

func start(ctx context.Context, o options) (_ *bench, err error) {
	if err := controlplane.Reap(ctx, o.dir); err != nil {
		return nil, err
	}
	binDir := filepath.Join(o.dir, "bin")
	if err := measure.DurableBinaries(o.binDir, binDir); err != nil {
		return nil, err
	}
	b := &bench{options: o}
	b.plane, err = controlplane.Start(ctx, controlplane.Options{Dir: o.dir, BinDir: binDir, WithoutControllers: true})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.plane.Stop())
		}
	}()
	b.server, err = b.plane.InstallDittoFS(ctx, controlplane.DittoFSOptions{
		RepoDir: o.repoDir, GenerateCredentials: true,
		ExtraArgs: []string{"--controllers=-" + strings.Join(controller.KnownControllers(), ",-")},
	})
	if err != nil {
		return nil, err
	}
	if err := installCRD(ctx, b.plane.AdminConfig()); err != nil {
		return nil, err
	}
	return b, b.addSubjects(ctx)
}

// addSubjects makes a namespace and a client for each way to the objects. All
// of them are the same user, whom both servers have to ask RBAC about.
func (b *bench) addSubjects(ctx context.Context) error {
	account, err := b.plane.AddUser(user)
	if err != nil {
		return err
	}
	aggregated := rest.CopyConfig(account.Config)
	direct := rest.CopyConfig(account.Config)
	direct.Host, direct.CAData = b.server.DirectConfig().Host, b.server.DirectConfig().CAData
	b.subjects = []*subject{
		{name: "CRD", group: crdGroup, version: "v1", config: aggregated},
		{name: "aggregated", group: "dittofs.io", version: "v1alpha1", config: aggregated},
		{name: "direct", group: "dittofs.io", version: "v1alpha1", config: direct},
	}
	rules := []rbacv1.PolicyRule{
		{APIGroups: []string{crdGroup, "dittofs.io"}, Resources: []string{"dittoservers", "dittoservers/status"}, Verbs: []string{"*"}},
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}},
	}
	if !b.options.tenant {
		// Of the ClusterRole edit this is what our admission asks about. That one is put together by a controller, and none runs.
		rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{"apps"}, Resources: []string{"statefulsets"}, Verbs: []string{"update"}})
	}
	objects := []client.Object{
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: user}, Rules: rules},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: user},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
		},
	}
	// The spec names it, and our admission looks for it.
	objects = append(objects, &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: "fast"}, Provisioner: "example.com/none", AllowVolumeExpansion: ptr.To(true),
	})
	for _, s := range b.subjects {
		s.namespace = "bench-" + strings.ToLower(s.name)
		objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}})
		for name, key := range secrets {
			objects = append(objects, &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.namespace},
				StringData: map[string]string{key: "a value of at least thirty-two bytes"},
			})
		}
		if err := s.connect(); err != nil {
			return err
		}
	}
	for _, object := range objects {
		if err := b.plane.Client().Create(ctx, object); err != nil {
			return fmt.Errorf("create %T %s: %w", object, object.GetName(), err)
		}
	}
	return nil
}
