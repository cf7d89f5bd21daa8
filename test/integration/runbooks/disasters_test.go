// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package runbooks_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
	"github.com/dittofs/dittofs-apiserver/test/controlplane/faultproxy"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
	"github.com/dittofs/dittofs-apiserver/test/page"
)

// disaster is a runbook and what makes it necessary.
type disaster struct {
	part   string
	follow func(*testing.T, *walk)
	// restarts is true where a pod that is lost, or was asked to change, is another one afterwards.
	restarts bool
}

var disasters = []disaster{
	{part: "down", follow: func(t *testing.T, w *walk) {
		w.kubelet.kill()
		w.see(t, "down")
		w.do(t, "down-do")
		w.over(t, "down")
	}},
	{part: "unreachable", follow: func(t *testing.T, w *walk) {
		bundle := strings.TrimSpace(w.kubectl(t, "get", "apiservice", apiService, "-o", "jsonpath={.spec.caBundle}"))
		authority, err := base64.StdEncoding.DecodeString(bundle)
		if err != nil {
			t.Fatal(err)
		}
		w.write(t, "ca.crt", authority)
		other := base64.StdEncoding.EncodeToString(cluster.Admin.Config.CAData)
		w.kubectl(t, "patch", "apiservice", apiService, "--type=merge", "-p", `{"spec":{"caBundle":"`+other+`"}}`)
		w.see(t, "unreachable")
		w.do(t, "unreachable-do")
		w.over(t, "unreachable")
	}},
	{part: "terminating", follow: func(t *testing.T, w *walk) {
		w.kubectl(t, "create", "namespace", "team-b")
		w.kubelet.without(t, func() {
			w.kubectl(t, "delete", "namespace", "team-b", "--wait=false")
			w.see(t, "terminating")
			w.do(t, "terminating-do")
			w.over(t, "terminating")
			w.do(t, "terminating-back")
		})
		w.await(t, "terminating-end")
	}},
	{part: "lost", follow: func(t *testing.T, w *walk) {
		w.kubelet.without(t, func() {
			if err := cluster.Server.WipeStore(); err != nil {
				t.Fatal(err)
			}
		})
		w.see(t, "lost")
		w.do(t, "lost-do")
		w.over(t, "lost")
	}},
	{part: "observe", follow: func(t *testing.T, w *walk) {
		w.kubelet.without(t, func() { w.kubectl(t, "delete", "configmap", "-n", systemNamespace, "dittofs-store") })
		w.see(t, "observe")
		w.do(t, "observe-do")
		w.kubelet.awaitServing(t)
		w.do(t, "observe-back")
		w.kubelet.awaitServing(t)
		w.over(t, "observe")
	}},
	{part: "full", follow: func(t *testing.T, w *walk) {
		w.kubelet.arg(t, "--embedded-etcd-quota-bytes=1048576")
		w.fill(t)
		w.see(t, "full")
		w.do(t, "full-do")
		w.do(t, "full-raise")
		w.kubelet.awaitServing(t)
		w.do(t, "full-disarm")
		w.over(t, "full")
		w.kubectl(t, "delete", "dittoserverclasses.dittofs.io", "--all")
		w.plainArguments(t)
	}},
	{part: "etcd", follow: followEtcd},
	{part: "host", follow: func(t *testing.T, w *walk) {
		broken := cluster.Proxy.Add(faultproxy.Fault{Status: 500, Match: func(r faultproxy.Request) bool {
			return r.Namespace == "team-a" && r.Resource == "services" && r.Verb != "watch"
		}})
		t.Cleanup(broken.Remove)
		w.disturb(t)
		w.see(t, "host")
		broken.Remove()
		w.over(t, "host")
	}},
	{part: "leader", follow: func(t *testing.T, w *walk) {
		lease, err := os.ReadFile(filepath.Join("testdata", "lease.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		w.write(t, "lease.yaml", []byte(strings.Replace(string(lease), "RENEWED", time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"), 1)))
		w.kubelet.without(t, func() { w.kubectl(t, "replace", "-f", "lease.yaml") })
		w.kubectl(t, "patch", "dittoserver.dittofs.io", "files", "-n", "team-a", "--type=merge", "-p", `{"spec":{"service":{"annotations":{"example.com/a":"b"}}}}`)
		w.see(t, "leader")
		w.do(t, "leader-do")
		w.over(t, "leader")
	}},
	{part: "quota", follow: func(t *testing.T, w *walk) {
		w.kubelet.arg(t, "--controllers=*,-quota")
		w.kubectl(t, "apply", "-n", "team-a", "-f", "quota.yaml")
		w.see(t, "quota")
		w.do(t, "quota-do")
		w.do(t, "quota-back")
		w.kubelet.awaitServing(t)
		w.over(t, "quota")
		w.kubectl(t, "delete", "dittoserver.dittofs.io/second", "resourcequota/storage", "-n", "team-a")
	}},
	{part: "rights", follow: func(t *testing.T, w *walk) {
		w.kubectl(t, "delete", "clusterrolebinding", "dittofs-controllers")
		w.disturb(t)
		w.see(t, "rights")
		w.do(t, "rights-do")
		w.over(t, "rights")
	}},
	{part: "policy", follow: func(t *testing.T, w *walk) {
		w.kubectl(t, "apply", "-f", "house-rules.yaml")
		w.awaitRefused(t, "create", "service", "clusterip", "probe", "-n", "team-a", "--clusterip=None", "--dry-run=server")
		w.disturb(t)
		w.see(t, "policy")
		w.do(t, "policy-do")
		w.over(t, "policy")
	}},
	{part: "notready", restarts: true, follow: func(t *testing.T, w *walk) {
		w.kubectl(t, "patch", "dittoserver.dittofs.io", "files", "-n", "team-a", "--type=merge", "-p", `{"spec":{"nodeSelector":{"example.com/disk":"none"}}}`)
		w.see(t, "notready")
		w.do(t, "notready-do")
		w.do(t, "notready-mend")
		w.over(t, "notready")
	}},
	{part: "class", follow: func(t *testing.T, w *walk) {
		w.kubectl(t, "apply", "-n", "team-a", "-f", "classy.yaml")
		w.kubectl(t, "patch", "dittoserverclass.dittofs.io", "small", "--type=merge", "-p", `{"spec":{"limits":{"storage":{"maxVolumeSize":"1Gi"}}}}`)
		w.see(t, "class")
		w.do(t, "class-do")
		w.over(t, "class")
		w.kubectl(t, "delete", "dittoserver.dittofs.io", "classy", "-n", "team-a")
		w.kubectl(t, "delete", "dittoserverclass.dittofs.io", "small")
	}},
	{part: "stuck", follow: func(t *testing.T, w *walk) {
		w.kubectl(t, "apply", "-n", "team-a", "-f", "doomed.yaml")
		cluster.Subject("team-a", "doomed").AwaitReady(t)
		w.kubectl(t, "apply", "-f", "undeletable.yaml")
		w.awaitRefused(t, "delete", "statefulset", "doomed", "-n", "team-a", "--dry-run=server")
		w.kubectl(t, "delete", "dittoserver.dittofs.io", "doomed", "-n", "team-a", "--wait=false")
		w.see(t, "stuck")
		w.do(t, "stuck-do")
		w.over(t, "stuck")
		w.do(t, "stuck-left")
		w.kubectl(t, "delete", "-f", "undeletable.yaml")
	}},
	{part: "node", restarts: true, follow: func(t *testing.T, w *walk) {
		w.addNode(t, "node-b")
		w.kubectl(t, "cordon", "kwok-node-0")
		w.kubectl(t, "delete", "pod", "-n", "team-a", "files-0")
		harness.Eventually(t, "the pod is on node-b", func(ctx context.Context) error {
			pod, err := cluster.Admin.Kube.CoreV1().Pods("team-a").Get(ctx, "files-0", metav1.GetOptions{})
			if err == nil && pod.Spec.NodeName != "node-b" {
				err = fmt.Errorf("it is on %q", pod.Spec.NodeName)
			}
			return err
		})
		w.files.AwaitReady(t)
		w.kubectl(t, "uncordon", "kwok-node-0")
		w.kubectl(t, "label", "node", "node-b", controlplane.LostNodeLabel+"=")
		w.see(t, "node")
		w.do(t, "node-do")
		w.do(t, "node-gone")
		w.over(t, "node")
	}},
}

// part is the runbook that a block belongs to.
func part(b page.Block) string { return strings.SplitN(b.Part, "-", 2)[0] }

func (w *walk) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.page.Dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// awaitRefused waits until kube-apiserver acts on a new policy.
func (w *walk) awaitRefused(t *testing.T, args ...string) {
	t.Helper()
	harness.Eventually(t, "the policy is acted on", func(context.Context) error {
		if output := cluster.Admin.Kubectl("").Try(t, args...); output.ExitCode == 0 || !strings.Contains(output.Stderr, "denied") {
			return fmt.Errorf("it says %s%s", output.Stdout, output.Stderr)
		}
		return nil
	})
}

// fill writes classes until etcd takes no more.
func (w *walk) fill(t *testing.T) {
	t.Helper()
	for i := range 40 {
		w.write(t, "filler.yaml", fmt.Appendf(nil,
			"apiVersion: dittofs.io/v1alpha1\nkind: DittoServerClass\nmetadata:\n  name: filler-%d\n  annotations:\n    example.com/filler: %s\n", i, strings.Repeat("x", 200_000)))
		output := cluster.Admin.Kubectl("").Try(t, "create", "-f", filepath.Join(w.page.Dir, "filler.yaml"))
		if strings.Contains(output.Stderr, "database space exceeded") {
			return
		}
		if output.ExitCode != 0 {
			t.Fatal(output.Stderr)
		}
	}
	t.Fatal("the store is not full")
}

// plainArguments gives our StatefulSet those that ship.
func (w *walk) plainArguments(t *testing.T) {
	t.Helper()
	quoted := make([]string, 0, len(w.kubelet.shipped))
	for _, arg := range w.kubelet.shipped {
		quoted = append(quoted, fmt.Sprintf("%q", arg))
	}
	w.kubectl(t, "patch", "statefulset", serverName, "-n", systemNamespace, "--type=json",
		"-p", `[{"op":"replace","path":"/spec/template/spec/containers/0/args","value":[`+strings.Join(quoted, ",")+`]}]`)
	w.kubelet.awaitServing(t)
}

func (w *walk) addNode(t *testing.T, name string) {
	t.Helper()
	w.write(t, "node.yaml", []byte("apiVersion: v1\nkind: Node\nmetadata:\n  name: "+name+"\n  labels: {kubernetes.io/hostname: "+name+"}\n"))
	w.kubectl(t, "create", "-f", "node.yaml")
	w.kubectl(t, "wait", "--for=condition=Ready", "node/"+name, "--timeout=120s")
}
