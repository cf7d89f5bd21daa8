// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/keyutil"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

//go:embed manifests/audit-policy.yaml
var auditPolicy []byte

const (
	// startTimeout is generous: machines of CI are slow and start several planes at a time. A process that ends is told at once.
	startTimeout = 3 * time.Minute
	stopTimeout  = 20 * time.Second
	// frontProxyUser is the only name that may vouch for users in request headers: the aggregator's.
	frontProxyUser = "front-proxy-client"
)

// configureCore prepares etcd and kube-apiserver, with certificates and flags, but starts nothing.
func (p *ControlPlane) configureCore() error {
	pkiDir := filepath.Join(p.stateDir, "pki")
	if err := p.writePKI(pkiDir); err != nil {
		return err
	}
	etcdPort, err := leasePort()
	if err != nil {
		return err
	}
	defer etcdPort.release()
	apiPort, err := leasePort()
	if err != nil {
		return err
	}
	defer apiPort.release()
	etcdLauncher, err := p.keeper.launcher("etcd", p.options.binary("etcd"))
	if err != nil {
		return err
	}
	apiLauncher, err := p.keeper.launcher("kube-apiserver", p.options.binary("kube-apiserver"))
	if err != nil {
		return err
	}

	p.core.Etcd = &envtest.Etcd{
		Path:         etcdLauncher,
		URL:          &url.URL{Scheme: "http", Host: "127.0.0.1:" + strconv.Itoa(etcdPort.port)},
		DataDir:      filepath.Join(p.stateDir, "etcd"),
		StartTimeout: startTimeout, StopTimeout: stopTimeout,
	}
	p.core.APIServer = &envtest.APIServer{
		Path:    apiLauncher,
		EtcdURL: p.core.Etcd.URL,
		CertDir: pkiDir,
		SecureServing: envtest.SecureServing{
			ListenAddr: envtest.ListenAddr{Address: "127.0.0.1", Port: strconv.Itoa(apiPort.port)},
			CA:         p.ca.PEM(),
			Authn:      certAuthn{ca: p.ca, caFile: filepath.Join(pkiDir, "ca.crt")},
		},
		StartTimeout: startTimeout, StopTimeout: stopTimeout,
	}
	p.apiServerFlags(pkiDir)
	return nil
}

func (p *ControlPlane) apiServerFlags(pkiDir string) {
	args := p.core.APIServer.Configure().
		// envtest switches ServiceAccount admission off, for planes without controllers to create the accounts.
		Disable("disable-admission-plugins").
		// Nothing connects to the kubernetes Service here; the default reconciler insists on an address that is
		// not loopback and fails on a machine without a network.
		Set("advertise-address", "127.0.0.1").
		Set("endpoint-reconciler-type", "none").
		// Of envtest's own range, a /24, a hundred file servers take more than there is.
		Set("service-cluster-ip-range", "10.0.0.0/16").
		// The aggregation layer: how extension API servers recognise kube-apiserver and learn the user.
		Set("requestheader-client-ca-file", filepath.Join(pkiDir, "front-proxy-ca.crt")).
		Set("requestheader-allowed-names", frontProxyUser).
		Set("requestheader-username-headers", "X-Remote-User").
		Set("requestheader-group-headers", "X-Remote-Group").
		Set("requestheader-extra-headers-prefix", "X-Remote-Extra-").
		Set("proxy-client-cert-file", filepath.Join(pkiDir, "front-proxy-client.crt")).
		Set("proxy-client-key-file", filepath.Join(pkiDir, "front-proxy-client.key")).
		Set("audit-policy-file", filepath.Join(pkiDir, "audit-policy.yaml")).
		Set("audit-log-path", p.AuditLogPath).
		Set("audit-log-format", "json").
		Set("audit-log-maxbackup", "1").
		// Watches are ended on shutdown: a restart would otherwise wait a minute for their clients to leave.
		Set("shutdown-watch-termination-grace-period", "1s")
	if p.options.NodeAddress != "" {
		p.openToNodes(args, pkiDir)
	}
	if p.options.WithoutControllers {
		// Nobody would create the ServiceAccounts that pods are then required to have.
		args.Set("disable-admission-plugins", "ServiceAccount")
	}
	if p.options.EmulatedVersion != "" {
		args.Set("emulated-version", p.options.EmulatedVersion)
	}
}

// writePKI creates the plane's two authorities and what they sign, under the names that envtest looks for.
func (p *ControlPlane) writePKI(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("prepare certificates: %w", err)
	}
	frontProxy, err := NewAuthority("front-proxy-ca")
	if err != nil {
		return err
	}
	pairs := map[string]func() (KeyPair, error){
		"apiserver":          func() (KeyPair, error) { return p.ca.serving(p.apiServerNames()...) },
		"controllers":        func() (KeyPair, error) { return p.ca.serving() },
		"sa-signer":          func() (KeyPair, error) { return p.ca.client("service-account-signer") },
		"front-proxy-client": func() (KeyPair, error) { return frontProxy.client(frontProxyUser) },
		// Of the same authority, but not the aggregator: nobody believes the headers that come with it.
		"front-proxy-stranger": func() (KeyPair, error) { return frontProxy.client("stranger") },
	}
	if p.options.NodeAddress != "" {
		pairs["kubelet-client"] = func() (KeyPair, error) { return p.ca.client("kube-apiserver", "system:masters") }
	}
	for name, issue := range pairs {
		pair, err := issue()
		if err != nil {
			return err
		}
		if err := pair.Write(dir, name); err != nil {
			return err
		}
	}
	caKey, err := keyutil.MarshalPrivateKeyToPEM(p.ca.key)
	if err != nil {
		return fmt.Errorf("encode the key of the authority: %w", err)
	}
	return writeFiles(dir, map[string][]byte{
		"ca.crt":             p.ca.PEM(),
		"ca.key":             caKey,
		"front-proxy-ca.crt": frontProxy.PEM(),
		"audit-policy.yaml":  auditPolicy,
	})
}

// FrontProxyCertificate returns the files of a client certificate of the aggregator's authority, and of its key: that of the
// aggregator itself, or one that the same authority has signed for somebody else.
func (p *ControlPlane) FrontProxyCertificate(ofStranger bool) (certFile, keyFile string) {
	name := "front-proxy-client"
	if ofStranger {
		name = "front-proxy-stranger"
	}
	path := filepath.Join(p.stateDir, "pki", name)
	return path + ".crt", path + ".key"
}

func (p *ControlPlane) startEtcd() error {
	log, err := p.keeper.openLog("etcd")
	if err != nil {
		return err
	}
	defer log.Close()
	p.core.Etcd.Out, p.core.Etcd.Err = log, log
	if err := p.core.Etcd.Start(); err != nil {
		return p.keeper.withLog("etcd", fmt.Errorf("start etcd: %w", err))
	}
	return p.keeper.adopt("etcd")
}

func (p *ControlPlane) startAPIServer(ctx context.Context) error {
	log, err := p.keeper.openLog("kube-apiserver")
	if err != nil {
		return err
	}
	defer log.Close()
	p.core.APIServer.Out, p.core.APIServer.Err = log, log
	if err := p.core.APIServer.Start(); err != nil {
		return p.keeper.withLog("kube-apiserver", fmt.Errorf("start kube-apiserver: %w", err))
	}
	if err := p.keeper.adopt("kube-apiserver"); err != nil {
		return err
	}
	config := &rest.Config{
		Host:            p.core.APIServer.SecureServing.URL("https", "").String(),
		TLSClientConfig: rest.TLSClientConfig{CAData: p.ca.PEM()},
	}
	return p.keeper.withLog("kube-apiserver", waitHTTP(ctx, "kube-apiserver", config, "/readyz", http.StatusOK))
}

// RestartAPIServer stops kube-apiserver and starts it again on the same port and data.
func (p *ControlPlane) RestartAPIServer(ctx context.Context) error {
	if err := p.stopAPIServer(); err != nil {
		return err
	}
	return p.startAPIServer(ctx)
}

func (p *ControlPlane) stopAPIServer() error {
	if err := p.core.APIServer.Stop(); err != nil {
		return fmt.Errorf("stop kube-apiserver: %w", err)
	}
	p.keeper.forget("kube-apiserver")
	return nil
}

func (p *ControlPlane) stopEtcd() error {
	if err := p.core.Etcd.Stop(); err != nil {
		return fmt.Errorf("stop etcd: %w", err)
	}
	p.keeper.forget("etcd")
	return nil
}
