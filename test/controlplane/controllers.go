// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"

	"k8s.io/client-go/rest"
)

// component is one of the processes beside kube-apiserver that make it a cluster.
type component struct {
	name string
	// user and groups are whom it logs in as.
	user   string
	groups []string
	// flags depend on its kubeconfig; port is 0 for a component that serves nothing.
	flags func(kubeconfig string, port int) []string
	serve bool
	env   []string

	process *child
	port    int
	args    []string
}

func (p *ControlPlane) controllerManager() *component {
	pki := filepath.Join(p.stateDir, "pki")
	return &component{
		name: "kube-controller-manager", user: "system:kube-controller-manager", serve: true,
		flags: func(kubeconfig string, port int) []string {
			return append(p.servingFlags(kubeconfig, port),
				"--use-service-account-credentials=true",
				"--service-account-private-key-file="+filepath.Join(pki, "sa-signer.key"),
				"--root-ca-file="+filepath.Join(pki, "ca.crt"),
				// Signs what is asked for by CertificateSigningRequests.
				"--cluster-signing-cert-file="+filepath.Join(pki, "ca.crt"),
				"--cluster-signing-key-file="+filepath.Join(pki, "ca.key"),
				"--kube-api-qps="+strconv.Itoa(p.options.ControllerQPS),
				"--kube-api-burst="+strconv.Itoa(p.options.ControllerBurst))
		},
	}
}

func (p *ControlPlane) scheduler() *component {
	return &component{
		name: "kube-scheduler", user: "system:kube-scheduler", serve: true, flags: p.servingFlags,
	}
}

// servingFlags are common to kube-controller-manager and kube-scheduler. Neither elects a leader: there is one of
// each, and a lost lease would end them whenever kube-apiserver is restarted.
func (p *ControlPlane) servingFlags(kubeconfig string, port int) []string {
	pki := filepath.Join(p.stateDir, "pki")
	return append(p.options.emulation(),
		"--kubeconfig="+kubeconfig,
		"--authentication-kubeconfig="+kubeconfig,
		"--authorization-kubeconfig="+kubeconfig,
		"--bind-address=127.0.0.1",
		"--secure-port="+strconv.Itoa(port),
		"--tls-cert-file="+filepath.Join(pki, "controllers.crt"),
		"--tls-private-key-file="+filepath.Join(pki, "controllers.key"),
		"--leader-elect=false")
}

// LostNodeLabel makes a simulated node one that nobody hears of any more.
const LostNodeLabel = "local-control-plane/lost"

// kwok stands in for kubelets and for the storage driver. It is no part of what is tested, so it may do anything.
func (p *ControlPlane) kwok() *component {
	return &component{
		name: "kwok", user: "system:kwok", groups: []string{"system:masters"},
		flags: func(kubeconfig string, _ int) []string {
			return []string{
				"--kubeconfig=" + kubeconfig,
				"--config=" + filepath.Join(p.stateDir, "kwok.yaml"),
				// A node with the label is lost: nobody renews its lease, and its pods are as they were.
				"--manage-all-nodes=false",
				"--manage-nodes-with-label-selector=!" + LostNodeLabel,
				"--node-lease-duration-seconds=40",
			}
		},
		// Otherwise it would read the settings of a user who works with kwok.
		env: []string{"KWOK_WORKDIR=" + filepath.Join(p.stateDir, "kwok")},
	}
}

func (p *ControlPlane) startComponent(ctx context.Context, c *component) error {
	_, kubeconfig, err := p.addUserFile(c.name, c.user, c.groups...)
	if err != nil {
		return err
	}
	if c.serve && c.port == 0 {
		lease, err := leasePort()
		if err != nil {
			return err
		}
		c.port = lease.port
		lease.release()
	}
	c.args = c.flags(kubeconfig, c.port)
	c.process, err = p.keeper.start(c.name, p.options.binary(c.name), c.args, c.env)
	if err != nil {
		return err
	}
	if !c.serve {
		return nil
	}
	config := &rest.Config{
		Host:            "https://127.0.0.1:" + strconv.Itoa(c.port),
		TLSClientConfig: rest.TLSClientConfig{CAData: p.ca.PEM()},
	}
	healthCtx, cancel := contextOf(ctx, c.process)
	defer cancel()
	return c.process.explain(waitHTTP(healthCtx, c.name, config, "/healthz", http.StatusOK))
}

// ControllerManagerFlags are what kube-controller-manager was started with.
func (p *ControlPlane) ControllerManagerFlags() []string {
	if p.options.WithoutControllers {
		return nil
	}
	return slices.Clone(p.components[0].args)
}

// StopControllers stops kube-controller-manager: nothing is collected, scaled or released until StartControllers.
func (p *ControlPlane) StopControllers() error {
	if p.options.WithoutControllers {
		return nil
	}
	return p.components[0].process.stop(stopTimeout)
}

// StartControllers starts kube-controller-manager again, on the same port.
func (p *ControlPlane) StartControllers(ctx context.Context) error {
	if p.options.WithoutControllers {
		return fmt.Errorf("this control plane was started without controllers")
	}
	if p.components[0].process.running() {
		return nil
	}
	return p.startComponent(ctx, p.components[0])
}
