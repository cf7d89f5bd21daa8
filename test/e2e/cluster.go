// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/hack/image/assemble"
	"github.com/dittofs/dittofs-apiserver/test/controlplane"
	"github.com/dittofs/dittofs-apiserver/test/e2e/isolation"
	"github.com/dittofs/dittofs-apiserver/test/e2e/node"
)

const (
	// serverImage is ours, without a tag.
	serverImage = "dittofs.test/dittofs-apiserver"
	// dfsImage is the name that our defaults give to DittoFS's image. What is imported under it is the stand-in, or DFS_BINARY.
	dfsImage = "marmos91c/dittofs:v0.29.0"
	dnsUser  = "e2e-dns"
)

// cluster is the plane with its nodes.
type cluster struct {
	options options
	plane   *controlplane.ControlPlane
	nodes   []*node.Node
	pause   string
	out     io.Writer
	began   time.Time
	// endVolumes stops making volumes.
	endVolumes context.CancelFunc
}

func startCluster(ctx context.Context, out io.Writer, o options) (_ *cluster, err error) {
	c := &cluster{options: o, out: out, began: time.Now()}
	c.pause = filepath.Join(o.dir(), "pause.tar")
	if err := c.archive(c.pause, assemble.Pause(filepath.Join(o.imageBins(), "pause"), architecture, assemble.Origin{}), node.PauseImage); err != nil {
		return nil, err
	}
	if err := node.PrepareNetwork(ctx); err != nil {
		return nil, err
	}
	c.plane, err = controlplane.Start(ctx, controlplane.Options{
		Dir: filepath.Join(o.dir(), "plane"), LogDir: o.logDir(), BinDir: o.binDir(), NodeAddress: node.First.Address(), Report: c.report,
	})
	if err != nil {
		return nil, err
	}
	volumes := node.Volumes{Client: c.plane.Client(), Dir: filepath.Join(o.dir(), "volumes")}
	if err := volumes.Install(ctx); err != nil {
		return c, err
	}
	var working context.Context
	working, c.endVolumes = context.WithCancel(ctx)
	go volumes.Run(working)
	return c, nil
}

// addNode starts one more.
func (c *cluster) addNode(ctx context.Context) error {
	place := node.First + node.Place(len(c.nodes))
	files, err := c.plane.AddNode(place.Name(), place.Address())
	if err != nil {
		return err
	}
	var dns string
	if place == node.First {
		if dns, err = c.dnsLogin(ctx); err != nil {
			return err
		}
	}
	cgroup, err := isolation.MakeCgroup(place.Name())
	if err != nil {
		return err
	}
	added, err := node.Start(ctx, node.Options{
		Place: place, Dir: filepath.Join(c.options.dir(), place.Name()), LogDir: filepath.Join(c.options.logDir(), place.Name()),
		BinDir: c.options.binDir(), CNIBinDir: c.options.cniBinDir, CgroupRoot: cgroup,
		Files: files, DNSKubeconfig: dns, Client: c.plane.Client(), PauseArchive: c.pause, Report: c.report,
	})
	if added != nil {
		c.nodes = append(c.nodes, added)
	}
	return err
}

// dnsLogin gives CoreDNS what its manifests would.
func (c *cluster) dnsLogin(ctx context.Context) (kubeconfig string, err error) {
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: dnsUser}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"services", "namespaces"}, Verbs: []string{"list", "watch"}},
		{APIGroups: []string{"discovery.k8s.io"}, Resources: []string{"endpointslices"}, Verbs: []string{"list", "watch"}},
	}}
	binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: dnsUser},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: dnsUser},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: dnsUser}}}
	if err := c.plane.Client().Create(ctx, role); err != nil {
		return "", err
	}
	if err := c.plane.Client().Create(ctx, binding); err != nil {
		return "", err
	}
	return c.plane.AddUserFile(dnsUser)
}

func (c *cluster) report(component, detail string) {
	fmt.Fprintf(c.out, "%6.1fs  %s %s\n", time.Since(c.began).Seconds(), component, detail)
}

// archive makes an image of a binary that is built already.
func (c *cluster) archive(file string, spec assemble.Spec, name string) error {
	image, err := assemble.Build(spec)
	if err != nil {
		return err
	}
	return assemble.WriteArchive(file, image, name)
}

// importServer makes our image known under a tag.
func (c *cluster) importServer(ctx context.Context, tag string) error {
	binary := filepath.Join(c.options.imageBins(), "dittofs-apiserver")
	spec := assemble.Server(binary, architecture, assemble.Origin{Version: tag})
	file := filepath.Join(c.options.dir(), "server-"+tag+".tar")
	if err := c.archive(file, spec, serverImage+":"+tag); err != nil {
		return err
	}
	return c.importImage(ctx, file)
}

// importImage makes an image known to every node.
func (c *cluster) importImage(ctx context.Context, archive string) error {
	for _, n := range c.nodes {
		if err := n.ImportImage(ctx, archive); err != nil {
			return err
		}
	}
	return nil
}

// importDFS takes the real server where there is one.
func (c *cluster) importDFS(ctx context.Context) (what string, err error) {
	binary, what := os.Getenv("DFS_BINARY"), "the real dfs"
	if binary == "" {
		binary, what = filepath.Join(c.options.imageBins(), "dfs"), "the stand-in for dfs"
	}
	file := filepath.Join(c.options.dir(), "dfs.tar")
	if err := c.archive(file, assemble.DFS(binary, architecture, assemble.Origin{Version: "v0.29.0"}), dfsImage); err != nil {
		return "", err
	}
	return what, c.importImage(ctx, file)
}

// kubectl runs as a cluster admin, or as whom the kubeconfig says.
func (c *cluster) kubectl(ctx context.Context, args ...string) (string, error) {
	return c.kubectlAs(ctx, c.plane.KubeconfigPath, args...)
}

func (c *cluster) kubectlAs(ctx context.Context, kubeconfig string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(c.options.binDir(), "kubectl"), append([]string{"--kubeconfig=" + kubeconfig}, args...)...)
	home := filepath.Join(c.options.dir(), "home")
	command.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TERM=dumb"}
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return string(output), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(output), nil
}

// stop ends what runs. What it misses ends with the namespaces.
func (c *cluster) stop() {
	if c.endVolumes != nil {
		c.endVolumes()
	}
	var stopping sync.WaitGroup
	for _, n := range c.nodes {
		stopping.Go(func() { _ = n.Stop() })
	}
	stopping.Wait()
	_ = c.plane.Stop()
}

// removeState removes the directories, in which containerd and the kubelet have mounted this and that.
func removeState(dir string) error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	lines := strings.Split(string(mounts), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if fields := strings.Fields(lines[i]); len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			unmount(fields[1])
		}
	}
	return os.RemoveAll(dir)
}
