// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
)

// tokenSeconds is the lifetime of a token: longer than any run of tests.
const tokenSeconds = 24 * 60 * 60

// login writes the kubeconfig by which our server is the ServiceAccount that the manifests give rights to.
func (d *DittoFS) login(ctx context.Context, host *HostProxy) (path string, err error) {
	if host == nil {
		// A client certificate instead of a token: the same user and groups, and nothing expires.
		_, path, err = d.plane.addUserFile(d.name,
			"system:serviceaccount:"+DittoFSNamespace+":"+dittofsName,
			"system:serviceaccounts", "system:serviceaccounts:"+DittoFSNamespace, "system:authenticated")
		return path, err
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: DittoFSNamespace, Name: dittofsName}}
	token := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To[int64](tokenSeconds)}}
	if err := d.plane.client.SubResource("token").Create(ctx, account, token); err != nil {
		return "", fmt.Errorf("get a token for %s: %w", d.name, err)
	}
	kubeconfig, err := encodeKubeconfig(d.name, &rest.Config{
		Host: host.URL, BearerToken: token.Status.Token, TLSClientConfig: rest.TLSClientConfig{CAData: host.CA},
	})
	if err != nil {
		return "", err
	}
	path = filepath.Join(d.plane.stateDir, "kubeconfigs", d.name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("store the kubeconfig of %s: %w", d.name, err)
	}
	if err := os.WriteFile(path, kubeconfig, 0o600); err != nil {
		return "", fmt.Errorf("store the kubeconfig of %s: %w", d.name, err)
	}
	return path, nil
}
