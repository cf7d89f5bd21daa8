// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"path/filepath"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// serviceAddress is that of the Service kubernetes, the first of the range: pods reach kube-apiserver by it.
const serviceAddress = "10.0.0.1"

// apiServerNames are what kube-apiserver is called besides localhost.
func (p *ControlPlane) apiServerNames() []string {
	names := []string{"kubernetes.default.svc"}
	if p.options.NodeAddress != "" {
		names = append(names, p.options.NodeAddress, serviceAddress)
	}
	return names
}

// openToNodes makes kube-apiserver reachable for pods, and lets kubelets do what kubelets may.
func (p *ControlPlane) openToNodes(args *envtest.Arguments, pkiDir string) {
	args.
		Set("bind-address", "0.0.0.0").
		Set("advertise-address", p.options.NodeAddress).
		Set("endpoint-reconciler-type", "lease").
		Set("authorization-mode", "Node", "RBAC").
		Set("enable-admission-plugins", "NodeRestriction").
		// The aggregator connects to the endpoints of a Service by itself, as most installations have it.
		Set("enable-aggregator-routing", "true").
		Set("kubelet-preferred-address-types", "InternalIP").
		Set("kubelet-certificate-authority", filepath.Join(pkiDir, "ca.crt")).
		Set("kubelet-client-certificate", filepath.Join(pkiDir, "kubelet-client.crt")).
		Set("kubelet-client-key", filepath.Join(pkiDir, "kubelet-client.key"))
}

// NodeFiles are what the parts of a node log in and serve with.
type NodeFiles struct {
	// CA is the authority of the cluster.
	CA string
	// Kubelet and Proxy are kubeconfigs.
	Kubelet, Proxy string
	// ServingCert and ServingKey are the kubelet's.
	ServingCert, ServingKey string
}

// AddNode writes the files of a node, which must be able to reach Options.NodeAddress.
func (p *ControlPlane) AddNode(name, address string) (NodeFiles, error) {
	pki := filepath.Join(p.stateDir, "pki")
	files := NodeFiles{
		CA:          filepath.Join(pki, "ca.crt"),
		ServingCert: filepath.Join(pki, "kubelet-"+name+".crt"),
		ServingKey:  filepath.Join(pki, "kubelet-"+name+".key"),
	}
	pair, err := p.ca.serving(name, address)
	if err != nil {
		return NodeFiles{}, err
	}
	if err := pair.Write(pki, "kubelet-"+name); err != nil {
		return NodeFiles{}, err
	}
	if _, files.Kubelet, err = p.addUserFile("kubelet-"+name, "system:node:"+name, "system:nodes"); err != nil {
		return NodeFiles{}, err
	}
	if _, files.Proxy, err = p.addUserFile("kube-proxy-"+name, "system:kube-proxy"); err != nil {
		return NodeFiles{}, err
	}
	return files, nil
}

// AddUserFile is AddUser, with the kubeconfig in a file for a process.
func (p *ControlPlane) AddUserFile(name string, groups ...string) (path string, err error) {
	_, path, err = p.addUserFile(name, name, groups...)
	return path, err
}
