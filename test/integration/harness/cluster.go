// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/klog/v2"

	"github.com/dittofs/dittofs-apiserver/pkg/controller"
	"github.com/dittofs/dittofs-apiserver/test/controlplane"
	"github.com/dittofs/dittofs-apiserver/test/controlplane/faultproxy"
)

// startTimeout is generous: the machines of CI are slow and run several packages at a time.
const startTimeout = 4 * time.Minute

// WithoutControllers is the argument that switches all of our controllers off. Resource versions then keep still:
// nothing but the test writes objects.
func WithoutControllers() string {
	return "--controllers=-" + strings.Join(controller.KnownControllers(), ",-")
}

// Options say what a test package needs. The zero value is a plane with controllers and our server in it.
type Options struct {
	// Name of the directory below .local/test. Default: that of the package.
	Name string
	// EmulatedVersion, such as "1.34", is what the plane behaves like.
	EmulatedVersion string
	// WithoutControllers leaves kube-controller-manager, kube-scheduler and kwok out: only APIs are served.
	WithoutControllers bool
	// WithoutServer leaves our server to the tests.
	WithoutServer bool
	// WithoutCredentials installs our server without the component generate-credentials.
	WithoutCredentials bool
	// StandIn starts the stand-in for the dfs API and tells our server where it is.
	StandIn bool
	// Recording is a directory that Record has filled: the cluster and our store begin as they were then.
	Recording string
	// KeptDatabases lets the stand-in find databases as if they had been there before it: for who records, and what is recorded.
	KeptDatabases bool
	// ServerBinary is another build of our server than that of `make build`.
	ServerBinary string
	// FaultProxy puts a proxy between our server and kube-apiserver, which makes trouble on request.
	FaultProxy bool
	// ServerArgs and ServerEnv are added to our server's.
	ServerArgs []string
	ServerEnv  []string
}

// Cluster is a control plane with our server in it.
type Cluster struct {
	Plane *controlplane.ControlPlane
	// Server is nil with Options.WithoutServer.
	Server *controlplane.DittoFS
	// StandIn is nil without Options.StandIn.
	StandIn *controlplane.StandIn
	// Proxy is nil without Options.FaultProxy.
	Proxy *faultproxy.Proxy
	// Admin is a member of system:masters.
	Admin *User
	// Dir has the logs, which stay after the run, and whatever tests put there.
	Dir string

	options    Options
	percona    sync.Once
	perconaErr error
}

// Run is the body of TestMain: it starts a cluster, hands it to the tests through the pointer, runs them and exits.
func Run(m *testing.M, options Options, cluster **Cluster) {
	os.Exit(run(m, options, cluster))
}

func run(m *testing.M, options Options, cluster **Cluster) int {
	flag.Parse()
	if list := flag.Lookup("test.list"); list != nil && list.Value.String() != "" {
		return m.Run()
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	c, err := Start(ctx, options)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot start the cluster for these tests:", err)
		return 1
	}
	*cluster = c
	code := m.Run()
	// After a failure too: it may be why.
	if c.Server != nil {
		if err := c.checkRights(); err != nil {
			fmt.Fprintf(os.Stderr, "the rights of our server are not those that it uses (CONTRIBUTING.md, Rights of the controllers):\n%v\n", err)
			code = 1
		}
	}
	if err := c.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "cannot stop the cluster:", err)
		return 1
	}
	if code != 0 {
		fmt.Fprintln(os.Stderr, "logs of the cluster:", filepath.Join(c.Dir, "logs"))
	}
	return code
}

// Start is for tests that need a cluster of their own; they stop Cluster.Plane themselves.
func Start(ctx context.Context, options Options) (_ *Cluster, err error) {
	quiet()
	root, err := RepoDir()
	if err != nil {
		return nil, err
	}
	if options.Name == "" {
		directory, err := os.Getwd()
		if err != nil {
			return nil, fmt.Errorf("name the cluster: %w", err)
		}
		options.Name = filepath.Base(directory)
	}
	c := &Cluster{Dir: filepath.Join(root, ".local", "test", options.Name), options: options}
	if err := needs("kubectl", "make controlplane"); err != nil {
		return nil, err
	}
	// What a run that was killed has left behind.
	if err := controlplane.Reap(ctx, c.Dir); err != nil {
		return nil, err
	}
	c.Plane, err = controlplane.Start(ctx, controlplane.Options{
		Dir: c.Dir, BinDir: BinDir(root),
		EmulatedVersion: options.EmulatedVersion, WithoutControllers: options.WithoutControllers, Seed: options.seed(),
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Plane.Stop())
		}
	}()
	if c.Admin, err = c.NewUser("test-admin", "system:masters"); err != nil {
		return nil, err
	}
	if options.WithoutServer {
		return c, nil
	}
	return c, c.installServer(ctx, root)
}

func (c *Cluster) installServer(ctx context.Context, root string) (err error) {
	if c.options.StandIn {
		var args []string
		if c.options.KeptDatabases {
			args = append(args, "--kept-databases")
		}
		if c.StandIn, err = c.Plane.StartStandIn(ctx, args...); err != nil {
			return err
		}
	}
	if c.options.FaultProxy {
		if c.Proxy, err = faultproxy.Start(c.Plane.AdminConfig()); err != nil {
			return err
		}
	}
	if c.options.Recording != "" {
		if err := c.layStore(); err != nil {
			return fmt.Errorf("lay out the recorded store: %w", err)
		}
	}
	c.Server, err = c.Plane.InstallDittoFS(ctx, c.serverOptions(root))
	return err
}

// Install installs our server in a cluster that was started without.
func (c *Cluster) Install(t *testing.T) {
	t.Helper()
	root, err := RepoDir()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.installServer(CleanupContext(t), root); err != nil {
		t.Fatal(err)
	}
}

// serverOptions are those of our server, with further arguments.
func (c *Cluster) serverOptions(root string, args ...string) controlplane.DittoFSOptions {
	options := controlplane.DittoFSOptions{
		RepoDir: root, Binary: c.options.ServerBinary, GenerateCredentials: !c.options.WithoutCredentials,
		ExtraArgs: append(slices.Clone(c.options.ServerArgs), args...), Env: c.options.ServerEnv,
	}
	if c.StandIn != nil {
		options.DFSURLTemplate = c.StandIn.URLTemplate
	}
	if c.Proxy != nil {
		options.Host = &controlplane.HostProxy{URL: c.Proxy.URL, CA: c.Proxy.CA}
	}
	return options
}

func (c *Cluster) stop() error {
	err := c.Plane.Stop()
	if c.Proxy != nil {
		err = errors.Join(err, c.Proxy.Close())
	}
	return err
}

// quiet keeps what client libraries log in this process out of the output of tests.
func quiet() {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	_ = flags.Set("logtostderr", "false")
	_ = flags.Set("stderrthreshold", "FATAL")
	klog.SetOutput(io.Discard)
}
