// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned"
	"github.com/dittofs/dittofs-apiserver/test/controlplane"
)

// namespace has everything: many servers in one is the case in which a list of a namespace is longest.
const namespace = "bench"

// host is a local control plane with a namespace in which pods can be created.
type host struct {
	*controlplane.ControlPlane
	kube    kubernetes.Interface
	dynamic dynamic.Interface
	servers versioned.Interface
}

func (b *bench) startHost(ctx context.Context, name string, controllerQPS int) (_ *host, err error) {
	dir := filepath.Join(b.options.dir, name)
	if err := controlplane.Reap(ctx, dir); err != nil {
		return nil, err
	}
	plane, err := controlplane.Start(ctx, controlplane.Options{
		Dir: dir, BinDir: b.options.binDir,
		// By default kube-controller-manager's burst is one and a half times its rate.
		ControllerQPS: controllerQPS, ControllerBurst: controllerQPS * 3 / 2,
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, plane.Stop())
		}
	}()
	h := &host{ControlPlane: plane}
	if h.kube, err = kubernetes.NewForConfig(plane.AdminConfig()); err != nil {
		return nil, err
	}
	if h.dynamic, err = dynamic.NewForConfig(plane.AdminConfig()); err != nil {
		return nil, err
	}
	if h.servers, err = versioned.NewForConfig(plane.AdminConfig()); err != nil {
		return nil, err
	}
	_, err = h.kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	// No pod can be created before.
	return h, wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		_, err := h.kube.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, ignoreNotFound(err)
	})
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// clientFlags are those of kube-controller-manager that say how fast it works; the others are files and addresses.
func (h *host) clientFlags() []string {
	return slices.DeleteFunc(h.ControllerManagerFlags(), func(flag string) bool {
		return !strings.HasPrefix(flag, "--kube-api-") && !strings.HasPrefix(flag, "--use-service-account") && !strings.HasPrefix(flag, "--leader-elect")
	})
}

// installDittoFS starts our server with the shipped rights and flags, and the stand-in for the dfs API if pods will run.
func (b *bench) installDittoFS(ctx context.Context, h *host, standIn bool) (*controlplane.DittoFS, *controlplane.StandIn, error) {
	options := controlplane.DittoFSOptions{RepoDir: b.options.repoDir, GenerateCredentials: true}
	var dfs *controlplane.StandIn
	if standIn {
		var err error
		if dfs, err = h.StartStandIn(ctx); err != nil {
			return nil, nil, err
		}
		options.DFSURLTemplate = dfs.URLTemplate
	}
	server, err := h.InstallDittoFS(ctx, options)
	return server, dfs, err
}

// sample is the DittoServer that we ship as the first one to try.
func (b *bench) sample() (*dittofsv1alpha1.DittoServer, error) {
	text, err := os.ReadFile(filepath.Join(b.options.repoDir, "artifacts", "samples", "dittoserver.yaml"))
	if err != nil {
		return nil, err
	}
	server := &dittofsv1alpha1.DittoServer{}
	if err := yaml.UnmarshalStrict(text, server); err != nil {
		return nil, fmt.Errorf("read the sample: %w", err)
	}
	server.Namespace = namespace
	// There is no load balancer here. Waiting for one is told of two minutes later, in the middle of what is measured at rest.
	server.Spec.AdapterServices.Type = corev1.ServiceTypeClusterIP
	return server, nil
}
