// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned"
	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
)

const (
	limitedClass = "limited"
	countedClass = "counted"
	// filledNamespaces have the servers that are stored before anything is measured.
	filledNamespaces = 100
)

// limits are of every kind, so that all that the measured servers have is compared with something.
const limits = `
images: {allowed: ["registry.example.com/*", "marmos91c/dittofs:v0.*"]}
storageClasses: {allowed: [fast, slow]}
storage: {maxVolumeSize: 1Ti, maxServerSize: 2Ti}
databases: {allowed: [sqlite, postgres]}
resources: {max: {cpu: "4", memory: 8Gi}}
services:
  types: {allowed: [ClusterIP, LoadBalancer]}
  annotations: {allowed: ["example.com/*"]}
  labels: {allowed: [team]}
  sourceRanges: {allowed: [10.0.0.0/8]}
networkPolicy: {required: true}
config: {allowed: ["gc.*", "cache.*"]}
extraEnv: {allowed: ["GO*"]}
extraVolumes: {allowed: [configMap, secret]}
securityContexts: Forbidden
serviceAccounts: {allowed: []}
podAnnotations: {allowed: ["example.com/*"]}
`

// specOfClass is the plain spec in a class.
func specOfClass(class string) string {
	if class == "" {
		return plainSpec()
	}
	return strings.Replace(plainSpec(), "{", fmt.Sprintf(`{"className": %q, `, class), 1)
}

func newClass(name string) (*dittofsv1alpha1.DittoServerClass, error) {
	class := &dittofsv1alpha1.DittoServerClass{ObjectMeta: metav1.ObjectMeta{Name: name}}
	class.Spec.Description = "A class of the benchmark"
	class.Spec.Reserved = []string{"rollout"}
	if err := yaml.UnmarshalStrict([]byte(limits), &class.Spec.Limits); err != nil {
		return nil, fmt.Errorf("the limits of the classes: %w", err)
	}
	// The measured servers ask for no limit of processors.
	class.Spec.Limits.Resources.Max = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("8Gi")}
	if name == countedClass {
		servers, size := int32(1_000_000), resource.MustParse("1Pi")
		class.Spec.Limits.ServersPerNamespace, class.Spec.Limits.Storage.MaxNamespaceSize = &servers, &size
	}
	return class, nil
}

// fill stores the classes and servers that the creates find. Each class has as many of them.
func (b *bench) fill(ctx context.Context) error {
	config := b.server.DirectConfig()
	// A server that names nothing but its size would not be of these classes, which is told for each of them.
	config.WarningHandler = rest.NoWarnings{}
	admin, err := versioned.NewForConfig(config)
	if err != nil {
		return err
	}
	names := append(measure.Names("class", max(b.options.classes-2, 1)), limitedClass, countedClass)
	err = measure.Each(2*b.options.writers, len(names), func(i int) error {
		class, err := newClass(names[i])
		if err != nil {
			return err
		}
		_, err = admin.DittofsV1alpha1().DittoServerClasses().Create(ctx, class, metav1.CreateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("store the classes: %w", err)
	}
	filled := make([]*subject, filledNamespaces)
	for i := range filled {
		filled[i] = &subject{name: "filled", group: "dittofs.io", version: "v1alpha1", config: b.server.DirectConfig(), namespace: fmt.Sprintf("filled-%d", i)}
		if err := b.plane.Client().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: filled[i].namespace}}); err != nil {
			return err
		}
	}
	if err := filled[0].connect(); err != nil {
		return err
	}
	servers := measure.Names("stored", b.options.servers)
	err = measure.Each(2*b.options.writers, len(servers), func(i int) error {
		to := filled[i%len(filled)]
		to = &subject{group: to.group, version: to.version, namespace: to.namespace, config: to.config, compressed: filled[0].compressed}
		spec := specOfClass(names[i%max(b.options.classes-2, 1)])
		_, err := to.send(ctx, request{method: http.MethodPost, contentType: "application/json", body: to.manifest(servers[i], spec)})
		return err
	})
	if err != nil {
		return fmt.Errorf("store the servers: %w", err)
	}
	return nil
}

// tenantNamespace is one in which the user has a class by a RoleBinding, and a quota if the offer has one.
func (b *bench) tenantNamespace(ctx context.Context, name string, o offer) error {
	meta := metav1.ObjectMeta{Name: "class", Namespace: name}
	objects := []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}},
		&rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{"dittofs.io"}, Resources: []string{"dittoserverclasses"}, Verbs: []string{"use"}, ResourceNames: []string{limitedClass, countedClass},
		}}},
		&rbacv1.RoleBinding{
			ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
		},
	}
	for _, object := range objects {
		if err := b.plane.Client().Create(ctx, object); err != nil {
			return fmt.Errorf("create %T %s: %w", object, object.GetName(), err)
		}
	}
	if !o.quota {
		return nil
	}
	hard := corev1.ResourceList{
		"count/dittoservers.dittofs.io": resource.MustParse("1000000"), dittofsv1alpha1.QuotaStorage: resource.MustParse("1Pi"),
		"count/dittoservers." + crdGroup: resource.MustParse("1000000"),
	}
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "quota", Namespace: name}, Spec: corev1.ResourceQuotaSpec{Hard: hard}}
	if err := b.plane.Client().Create(ctx, quota); err != nil {
		return fmt.Errorf("create the quota: %w", err)
	}
	// No controller runs, theirs and ours, who would do this.
	quota.Status = corev1.ResourceQuotaStatus{Hard: hard, Used: corev1.ResourceList{}}
	for name := range hard {
		quota.Status.Used[name] = resource.MustParse("0")
	}
	return b.plane.Client().Status().Update(ctx, quota)
}

// accepted sends a create until it passes: rights and quotas of a new namespace are known a moment later.
func (b *bench) accepted(ctx context.Context, to *subject, r request) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		_, last = to.send(ctx, r)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("the first create in %s: %w: %w", to.namespace, err, last)
	}
	return nil
}
