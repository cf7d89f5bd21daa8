// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package tenancy_test

import (
	"crypto/x509"
	"net/http"
	"os"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
	"github.com/dittofs/dittofs-apiserver/test/standin/certs"
)

// door is a way to our API.
type door string

const (
	// kubeAPIServer asks RBAC itself, before it passes a request on.
	kubeAPIServer door = "kube-apiserver"
	// ourPort is what whoever reaches the pod network connects to: there our own server is all that asks.
	ourPort door = "our port"
)

// asked is somebody at a door.
type asked struct {
	// name is whom the refusal names.
	name   string
	config *rest.Config
	header http.Header
}

// identity makes somebody, once the namespaces are there. It may be called for each door.
type identity func(*testing.T, namespaces) *asked

// namespaces are those of the two tenants.
type namespaces map[scope]string

// ownProxyRole is a ClusterRole of the platform's own: none that is shipped has the proxy.
const ownProxyRole = "matrix-proxy-reader"

func user(name string, groups ...string) identity {
	return func(t *testing.T, _ namespaces) *asked {
		t.Helper()
		return &asked{name: name, config: cluster.User(t, name, groups...).Config}
	}
}

// bound is a user with a ClusterRole, in one namespace or everywhere.
func bound(name string, where scope, role string) identity {
	return func(t *testing.T, in namespaces) *asked {
		t.Helper()
		meta := metav1.ObjectMeta{Name: "matrix-" + name}
		ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role}
		subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}}
		var err error
		if where == anywhere {
			_, err = cluster.Admin.Kube.RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects}, metav1.CreateOptions{})
		} else {
			_, err = cluster.Admin.Kube.RbacV1().RoleBindings(in[where]).Create(t.Context(), &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects}, metav1.CreateOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
		return user(name)(t, in)
	}
}

func ourServiceAccount(t *testing.T, _ namespaces) *asked {
	t.Helper()
	token, err := cluster.Admin.Kube.CoreV1().ServiceAccounts("dittofs-system").CreateToken(t.Context(), "dittofs-apiserver", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(cluster.Admin.Config)
	config.BearerToken = token.Status.Token
	return &asked{name: harness.ServerUser, config: config}
}

func anonymous(*testing.T, namespaces) *asked {
	return &asked{name: "system:anonymous", config: rest.AnonymousClientConfig(cluster.Admin.Config)}
}

func bearer(token string) identity {
	return func(*testing.T, namespaces) *asked {
		config := rest.AnonymousClientConfig(cluster.Admin.Config)
		config.BearerToken = token
		return &asked{config: config}
	}
}

// forging sends the headers by which the aggregator says who asks.
func forging(as identity) identity {
	return func(t *testing.T, in namespaces) *asked {
		t.Helper()
		found := as(t, in)
		found.header = http.Header{"X-Remote-User": {"admin"}, "X-Remote-Group": {"system:masters"}, "X-Remote-Extra-Scopes": {"all"}}
		return found
	}
}

// anotherAuthority is somebody who has made a certificate of the aggregator's name themselves.
func anotherAuthority(t *testing.T, _ namespaces) *asked {
	t.Helper()
	leaf := certs.NewAuthority(t).Leaf(func(c *x509.Certificate) { c.Subject.CommonName = "front-proxy-client" })
	config := rest.AnonymousClientConfig(cluster.Admin.Config)
	config.CertData, config.KeyData = []byte(leaf["tls.crt"]), []byte(leaf["tls.key"])
	return &asked{config: config}
}

func frontProxyStranger(t *testing.T, _ namespaces) *asked { return frontProxy(t, true) }

func frontProxy(t *testing.T, ofStranger bool) *asked {
	t.Helper()
	certFile, keyFile := cluster.Plane.FrontProxyCertificate(ofStranger)
	config := rest.AnonymousClientConfig(cluster.Admin.Config)
	var err error
	if config.CertData, err = os.ReadFile(certFile); err != nil {
		t.Fatal(err)
	}
	if config.KeyData, err = os.ReadFile(keyFile); err != nil {
		t.Fatal(err)
	}
	return &asked{config: config}
}

// aggregatorFor is kube-apiserver, which is believed: without it, the refusals of forged headers would prove nothing.
func aggregatorFor(name string) identity {
	return func(t *testing.T, _ namespaces) *asked {
		t.Helper()
		found := frontProxy(t, false)
		found.name, found.header = name, http.Header{"X-Remote-User": {name}, "X-Remote-Group": {"system:authenticated"}}
		return found
	}
}

// impersonating is somebody who asks as another user, and may or may not.
func impersonating(name, as string, may bool) identity {
	return func(t *testing.T, in namespaces) *asked {
		t.Helper()
		found := user(name)(t, in)
		if may {
			allowImpersonation(t, name, as)
		}
		found.name = as
		found.config = rest.CopyConfig(found.config)
		found.config.Impersonate = rest.ImpersonationConfig{UserName: as}
		return found
	}
}

// allowImpersonation gives a user the verb impersonate on one other user.
func allowImpersonation(t *testing.T, name, as string) {
	t.Helper()
	meta := metav1.ObjectMeta{GenerateName: "matrix-impersonate-"}
	rule := harness.Rule("", "users", "impersonate")
	rule.ResourceNames = []string{as}
	role, err := cluster.Admin.Kube.RbacV1().ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{rule}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.Admin.Kube.RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
