// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"fmt"
	"net"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// User is somebody whom the plane's kube-apiserver knows, by a client certificate that outlasts the plane.
type User struct {
	Config     *rest.Config
	Kubeconfig []byte
}

// url is where kube-apiserver is for everybody who may ask it: nodes and pods are not on its loopback.
func (p *ControlPlane) url() string {
	address := p.core.APIServer.SecureServing.URL("https", "")
	if p.options.NodeAddress != "" {
		address.Host = net.JoinHostPort(p.options.NodeAddress, address.Port())
	}
	return address.String()
}

// AddUser creates a user. What they may do is up to RBAC; system:authenticated is added by kube-apiserver.
func (p *ControlPlane) AddUser(name string, groups ...string) (*User, error) {
	config, err := p.core.APIServer.AddUser(envtest.User{Name: name, Groups: groups}, &rest.Config{
		Host:            p.url(),
		TLSClientConfig: rest.TLSClientConfig{CAData: p.ca.PEM()},
		// Without a limit of the client's own: priority and fairness of kube-apiserver limit us.
		QPS: -1,
	})
	if err != nil {
		return nil, fmt.Errorf("add user %s: %w", name, err)
	}
	kubeconfig, err := encodeKubeconfig(name, config)
	if err != nil {
		return nil, err
	}
	return &User{Config: config, Kubeconfig: kubeconfig}, nil
}

// addUserFile is AddUser for a process that wants the kubeconfig in a file.
func (p *ControlPlane) addUserFile(file, name string, groups ...string) (*User, string, error) {
	user, err := p.AddUser(name, groups...)
	if err != nil {
		return nil, "", err
	}
	path := filepath.Join(p.stateDir, "kubeconfigs", file)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, "", fmt.Errorf("store the kubeconfig of %s: %w", name, err)
	}
	if err := os.WriteFile(path, user.Kubeconfig, 0o600); err != nil {
		return nil, "", fmt.Errorf("store the kubeconfig of %s: %w", name, err)
	}
	return user, path, nil
}

func encodeKubeconfig(name string, config *rest.Config) ([]byte, error) {
	const cluster = "local"
	out := clientcmdapi.NewConfig()
	out.Clusters[cluster] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	out.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: config.CertData, ClientKeyData: config.KeyData, Token: config.BearerToken}
	out.Contexts[cluster] = &clientcmdapi.Context{Cluster: cluster, AuthInfo: name}
	out.CurrentContext = cluster
	data, err := clientcmd.Write(*out)
	if err != nil {
		return nil, fmt.Errorf("encode the kubeconfig of %s: %w", name, err)
	}
	return data, nil
}

// certAuthn makes envtest issue users from our own authority instead of one whose certificates last a week.
type certAuthn struct {
	ca     *Authority
	caFile string
}

func (a certAuthn) Configure(_ string, args *envtest.Arguments) error {
	args.Set("client-ca-file", a.caFile)
	return nil
}

func (a certAuthn) AddUser(user envtest.User, base *rest.Config) (*rest.Config, error) {
	pair, err := a.ca.client(user.Name, user.Groups...)
	if err != nil {
		return nil, err
	}
	config := rest.CopyConfig(base)
	config.CertData, config.KeyData = pair.Cert, pair.Key
	return config, nil
}

func (certAuthn) Start() error { return nil }
func (certAuthn) Stop() error  { return nil }
