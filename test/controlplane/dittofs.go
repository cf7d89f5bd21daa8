// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
)

const (
	// DittoFSNamespace is where our server would run in a cluster.
	DittoFSNamespace = "dittofs-system"
	dittofsName      = "dittofs-apiserver"
	// dittofsStopTimeout leaves time for requests in flight and for the embedded etcd.
	dittofsStopTimeout = 45 * time.Second
)

// DittoFSOptions say how our API server is installed.
type DittoFSOptions struct {
	// RepoDir has the manifests that users install, in artifacts/deploy.
	RepoDir string
	// Name tells servers apart that run at the same time. The one that was installed last serves the cluster. Default:
	// dittofs-apiserver.
	Name string
	// Binary is another build of the server than the one in BinDir.
	Binary string
	// Host leads the server to kube-apiserver by way of a proxy that ends TLS. It then logs in by a token of its
	// ServiceAccount, since a client certificate does not pass such a proxy.
	Host *HostProxy
	// DataDir is where the embedded etcd keeps its data. Default: below the plane's own state.
	DataDir string
	// GenerateCredentials applies the opt-in component that lets the server write Secrets.
	GenerateCredentials bool
	// DFSURLTemplate tells where the dfs APIs are; see StandIn.
	DFSURLTemplate string
	// ExtraArgs and Env are added to the server's.
	ExtraArgs []string
	Env       []string
}

// HostProxy is where a proxy of kube-apiserver listens, and what its certificate is verified with.
type HostProxy struct {
	URL string
	CA  []byte
}

// DittoFS is our API server in a plane: a local process behind the plane's aggregation layer, which has exactly
// the rights that the shipped manifests give to its ServiceAccount.
type DittoFS struct {
	// LogPath is the server's output, across restarts.
	LogPath string
	// DataDir has the server's store.
	DataDir string

	plane   *ControlPlane
	name    string
	binary  string
	port    int
	args    []string
	env     []string
	caPEM   []byte
	process *child
}

// InstallDittoFS starts our server and returns when the cluster serves our API.
// It is stopped with the plane, if not before.
func (p *ControlPlane) InstallDittoFS(ctx context.Context, options DittoFSOptions) (*DittoFS, error) {
	if options.Binary == "" {
		options.Binary = p.options.binary(dittofsName)
	}
	if _, err := os.Stat(options.Binary); err != nil {
		return nil, fmt.Errorf("%s not found: run `make build` first", options.Binary)
	}
	if options.DataDir == "" {
		options.DataDir = filepath.Join(p.stateDir, "dittofs")
	}
	if options.Name == "" {
		options.Name = dittofsName
	}
	if err := p.applyShippedManifests(ctx, options); err != nil {
		return nil, err
	}
	lease, err := leasePort()
	if err != nil {
		return nil, err
	}
	defer lease.release()
	d := &DittoFS{
		LogPath: p.keeper.logPath(options.Name), DataDir: options.DataDir,
		plane: p, name: options.Name, binary: options.Binary, port: lease.port, env: options.Env,
	}
	if err := d.prepare(ctx, options); err != nil {
		return nil, err
	}
	lease.release()
	p.installed = append(p.installed, d)
	if err := d.run(ctx); err != nil {
		return nil, err
	}
	// Registered only now: an APIService that is healthy when it is created is available at once.
	if err := d.register(ctx); err != nil {
		return nil, err
	}
	if err := d.waitServed(ctx); err != nil {
		return nil, err
	}
	p.options.Report(d.name, "127.0.0.1:"+strconv.Itoa(d.port))
	return d, nil
}

// prepare writes certificates and the kubeconfig of the server's ServiceAccount, and puts the flags together.
func (d *DittoFS) prepare(ctx context.Context, options DittoFSOptions) error {
	ca, err := NewAuthority(dittofsName + "-ca")
	if err != nil {
		return err
	}
	d.caPEM = ca.PEM()
	// The aggregator connects to a local port but verifies the Service's name.
	serving, err := ca.serving(dittofsName + "." + DittoFSNamespace + ".svc")
	if err != nil {
		return err
	}
	pki := filepath.Join(d.plane.stateDir, "pki")
	if err := serving.Write(pki, d.name); err != nil {
		return err
	}
	kubeconfig, err := d.login(ctx, options.Host)
	if err != nil {
		return err
	}
	d.args = []string{
		"--kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(d.port),
		"--tls-cert-file=" + filepath.Join(pki, d.name+".crt"),
		"--tls-private-key-file=" + filepath.Join(pki, d.name+".key"),
		"--data-dir=" + d.DataDir,
		"--namespace=" + DittoFSNamespace,
	}
	if options.DFSURLTemplate != "" {
		d.args = append(d.args, "--dfs-url-template="+options.DFSURLTemplate)
	}
	d.args = append(d.args, options.ExtraArgs...)
	return nil
}

// Start starts the server again after Stop or Kill, on the same port and data, and waits until it is served.
func (d *DittoFS) Start(ctx context.Context) error {
	if d.process.running() {
		return nil
	}
	if err := d.run(ctx); err != nil {
		return err
	}
	// While the server was away the aggregator may have noticed, and then looks again only every 30 s.
	if err := d.askAgain(ctx); err != nil {
		return err
	}
	return d.waitServed(ctx)
}

func (d *DittoFS) run(ctx context.Context) (err error) {
	d.process, err = d.plane.keeper.start(d.name, d.binary, d.args, d.env)
	if err != nil {
		return err
	}
	runCtx, cancel := contextOf(ctx, d.process)
	defer cancel()
	return d.process.explain(waitHTTP(runCtx, d.name, d.DirectConfig(), "/readyz", http.StatusOK))
}

// DirectConfig connects to the server itself, past the aggregator, as a cluster admin.
func (d *DittoFS) DirectConfig() *rest.Config {
	config := d.plane.AdminConfig()
	config.Host = "https://127.0.0.1:" + strconv.Itoa(d.port)
	config.CAData = d.caPEM
	return config
}

// Stop ends the server as a cluster would.
func (d *DittoFS) Stop() error { return d.process.stop(dittofsStopTimeout) }

// Kill ends the server as a lost node would.
func (d *DittoFS) Kill() { d.process.kill() }

// Freeze stops the process in the middle of what it does, as a suspended machine would. Thaw lets it go on.
func (d *DittoFS) Freeze() error { return d.process.signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on.
func (d *DittoFS) Thaw() error { return d.process.signal(syscall.SIGCONT) }

// Running tells whether the process runs.
func (d *DittoFS) Running() bool { return d.process.running() }

// WipeStore removes the store of a server that does not run: every object of our API is lost.
func (d *DittoFS) WipeStore() error {
	if d.process.running() {
		return errors.New("the store is in use: stop the server first")
	}
	if err := os.RemoveAll(d.DataDir); err != nil {
		return fmt.Errorf("wipe the store: %w", err)
	}
	return nil
}
