// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/dittofs/dittofs-apiserver/test/controlplane/process"
)

const (
	// NodeName is the one node of the cluster.
	NodeName = "kwok-node-0"
	// DefaultStorageClass provisions volumes that can grow.
	DefaultStorageClass = "standard"
	// FixedStorageClass provisions volumes that cannot.
	FixedStorageClass = "fixed"
)

//go:embed manifests/cluster.yaml manifests/node-stages.yaml manifests/pod-stages.yaml manifests/volume-stages.yaml
var manifests embed.FS

// ControlPlane is a cluster that runs. Its methods are not meant to be called at the same time.
type ControlPlane struct {
	// KubeconfigPath is a cluster admin's kubeconfig, readable by its owner only.
	KubeconfigPath string
	// AuditLogPath has one line of JSON per request that kube-apiserver answered.
	AuditLogPath string

	options  Options
	stateDir string
	core     envtest.ControlPlane
	ca       *Authority
	admin    *rest.Config
	client   client.Client
	keeper   *keeper
	// components: kube-controller-manager first, then kube-scheduler and kwok.
	components []*component
	// installed are stopped before the plane they work with.
	installed []interface{ Stop() error }
	stopped   bool
}

// Start returns a cluster in which pods can be created and will run. On an error nothing is left running.
func Start(ctx context.Context, options Options) (_ *ControlPlane, err error) {
	if err := options.complete(); err != nil {
		return nil, err
	}
	p := &ControlPlane{options: options, stateDir: StateDir(options.Dir), AuditLogPath: filepath.Join(options.LogDir, "audit.log")}
	if err := p.clean(); err != nil {
		return nil, err
	}
	if p.keeper, err = newKeeper(p.stateDir, options.LogDir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Stop())
		}
	}()
	if p.ca, err = NewAuthority("local-control-plane"); err != nil {
		return nil, err
	}
	if err := p.startCore(ctx); err != nil {
		return nil, err
	}
	// With a logger of its own: controller-runtime complains where none was set for the whole process.
	if p.client, err = client.New(p.admin, client.Options{Log: klog.Background()}); err != nil {
		return nil, fmt.Errorf("create a client of the cluster: %w", err)
	}
	if options.WithoutControllers {
		return p, nil
	}
	if err := p.startControllers(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// StateDir is the part of Options.Dir that Stop removes.
func StateDir(dir string) string { return filepath.Join(dir, "state") }

// Records lists the processes of the plane in dir, whoever started it.
func Records(dir string) ([]process.Record, error) { return process.Load(recordsFile(StateDir(dir))) }

// Reap stops what a plane that was killed has left running, and removes its state.
func Reap(ctx context.Context, dir string) error {
	records, err := Records(dir)
	if err != nil {
		return err
	}
	var failures []error
	for _, record := range records {
		failures = append(failures, record.Terminate(ctx, stopTimeout))
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return os.RemoveAll(StateDir(dir))
}

// clean removes the state of an earlier plane, unless that one still runs.
func (p *ControlPlane) clean() error {
	records, err := Records(p.options.Dir)
	if err != nil {
		return err
	}
	for _, record := range records {
		if record.Alive() {
			return fmt.Errorf("a control plane already runs in %s: %s is process %d", p.options.Dir, record.Name, record.PID)
		}
	}
	if err := os.RemoveAll(p.stateDir); err != nil {
		return fmt.Errorf("remove the state of an earlier control plane: %w", err)
	}
	// Tests count the requests in it. (Rotated ones are audit-<time>.log.)
	audits, err := filepath.Glob(filepath.Join(p.options.LogDir, "audit*.log"))
	if err != nil {
		return fmt.Errorf("find the audit log of an earlier control plane: %w", err)
	}
	for _, path := range audits {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove an earlier audit log: %w", err)
		}
	}
	return nil
}

func (p *ControlPlane) startCore(ctx context.Context) error {
	if err := p.configureCore(); err != nil {
		return err
	}
	if err := p.startEtcd(); err != nil {
		return err
	}
	p.options.Report("etcd", p.core.Etcd.URL.Host)
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.options.Seed != nil {
		if err := p.options.Seed(ctx, p.EtcdURL()); err != nil {
			return fmt.Errorf("seed etcd: %w", err)
		}
	}
	if err := p.startAPIServer(ctx); err != nil {
		return err
	}
	admin, path, err := p.addUserFile("admin", "admin", "system:masters")
	if err != nil {
		return err
	}
	p.admin, p.KubeconfigPath = admin.Config, path
	p.options.Report("kube-apiserver", p.admin.Host)
	return nil
}

func (p *ControlPlane) startControllers(ctx context.Context) error {
	p.components = []*component{p.controllerManager(), p.scheduler()}
	if p.options.simulatesNodes() {
		if err := p.simulateNode(ctx); err != nil {
			return err
		}
		p.components = append(p.components, p.kwok())
	}
	// Side by side: each takes most of its time waiting for the others' objects.
	errs := make([]error, len(p.components))
	var group sync.WaitGroup
	for i, c := range p.components {
		group.Go(func() { errs[i] = p.startComponent(ctx, c) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, c := range p.components {
		p.options.Report(c.name, "")
	}
	if !p.options.simulatesNodes() {
		return nil // who brings the nodes waits for them
	}
	if err := waitCluster(ctx, p.client); err != nil {
		return fmt.Errorf("the cluster does not get ready: %w", err)
	}
	p.options.Report("node", NodeName)
	return nil
}

// simulateNode prepares what kwok plays: its stages, one node and the storage classes.
func (p *ControlPlane) simulateNode(ctx context.Context) error {
	if err := p.writeStages(); err != nil {
		return err
	}
	cluster, err := manifests.ReadFile("manifests/cluster.yaml")
	if err != nil {
		return fmt.Errorf("read the cluster's manifest: %w", err)
	}
	objects, err := decodeManifest(cluster)
	if err != nil {
		return fmt.Errorf("manifests/cluster.yaml: %w", err)
	}
	return applyAll(ctx, p.client, objects)
}

// writeStages joins the stages into the one file that kwok takes.
func (p *ControlPlane) writeStages() error {
	var stages [][]byte
	for _, name := range []string{"node-stages.yaml", "pod-stages.yaml", "volume-stages.yaml"} {
		data, err := manifests.ReadFile("manifests/" + name)
		if err != nil {
			return fmt.Errorf("read kwok's stages: %w", err)
		}
		stages = append(stages, data)
	}
	return writeFiles(p.stateDir, map[string][]byte{"kwok.yaml": bytes.Join(stages, []byte("\n---\n"))})
}

// AdminConfig connects as a cluster admin, without a client-side rate limit.
func (p *ControlPlane) AdminConfig() *rest.Config { return rest.CopyConfig(p.admin) }

// Client is a cluster admin's client for the kinds that Kubernetes itself serves.
func (p *ControlPlane) Client() client.Client { return p.client }

// EtcdURL is where the etcd of the cluster answers.
func (p *ControlPlane) EtcdURL() string { return p.core.Etcd.URL.String() }

// Processes lists what runs now.
func (p *ControlPlane) Processes() []process.Record { return p.keeper.list() }

// Stop ends every process, waits for each, and removes all state but the logs. Stopping twice is fine.
func (p *ControlPlane) Stop() error {
	if p.stopped {
		return nil
	}
	p.stopped = true
	var errs []error
	for i := len(p.installed) - 1; i >= 0; i-- {
		errs = append(errs, p.installed[i].Stop())
	}
	for i := len(p.components) - 1; i >= 0; i-- {
		errs = append(errs, p.components[i].process.stop(stopTimeout))
	}
	if p.core.APIServer != nil {
		errs = append(errs, p.stopAPIServer())
	}
	if p.core.Etcd != nil {
		errs = append(errs, p.stopEtcd())
	}
	p.keeper.close()
	errs = append(errs, os.RemoveAll(p.stateDir))
	return errors.Join(errs...)
}
