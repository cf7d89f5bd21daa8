// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned"
	dittofsclient "github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned/typed/dittofs/v1alpha1"
)

// User is somebody whom the cluster knows, with every kind of client. All go through kube-apiserver.
type User struct {
	Name    string
	Config  *rest.Config
	DittoFS versioned.Interface
	Kube    kubernetes.Interface
	Dynamic dynamic.Interface
	// Metadata reads metadata only, as the namespace controller and the garbage collector do.
	Metadata metadata.Interface
	// Kubeconfig is a file, there as long as the plane is.
	Kubeconfig string

	home string
}

// User creates a user who may do what RBAC allows them, which at first is next to nothing.
func (c *Cluster) User(t *testing.T, name string, groups ...string) *User {
	t.Helper()
	user, err := c.NewUser(name, groups...)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// NewUser is User outside of a test.
func (c *Cluster) NewUser(name string, groups ...string) (*User, error) {
	known, err := c.Plane.AddUser(name, groups...)
	if err != nil {
		return nil, err
	}
	// In the plane's state, which goes with the plane. Everybody has a home: kubectl keeps caches there.
	user := &User{Name: name, Config: known.Config, home: filepath.Join(c.Dir, "state", "homes", name)}
	user.Kubeconfig = filepath.Join(user.home, "kubeconfig")
	if err := os.MkdirAll(user.home, 0o700); err != nil {
		return nil, fmt.Errorf("make a home for %s: %w", name, err)
	}
	if err := os.WriteFile(user.Kubeconfig, known.Kubeconfig, 0o600); err != nil {
		return nil, fmt.Errorf("store the kubeconfig of %s: %w", name, err)
	}
	if user.DittoFS, err = versioned.NewForConfig(known.Config); err != nil {
		return nil, fmt.Errorf("client of %s: %w", name, err)
	}
	if user.Kube, err = kubernetes.NewForConfig(known.Config); err != nil {
		return nil, fmt.Errorf("client of %s: %w", name, err)
	}
	if user.Dynamic, err = dynamic.NewForConfig(known.Config); err != nil {
		return nil, fmt.Errorf("client of %s: %w", name, err)
	}
	if user.Metadata, err = metadata.NewForConfig(known.Config); err != nil {
		return nil, fmt.Errorf("client of %s: %w", name, err)
	}
	return user, nil
}

// DittoServers is the typed client for one namespace.
func (u *User) DittoServers(namespace string) dittofsclient.DittoServerInterface {
	return u.DittoFS.DittofsV1alpha1().DittoServers(namespace)
}
