// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package tenancy_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// start runs a program until the test ends.
func start(t *testing.T, log, name string, args ...string) {
	t.Helper()
	binary, err := harness.Binary(name)
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(cluster.Dir, "logs", log+".log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, args...)
	command.Stdout, command.Stderr = out, out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGKILL)
		_ = command.Wait()
		_ = out.Close()
	})
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return "http://" + listener.Addr().String()
}

// replicas are two servers of ours on one etcd, each reached past the aggregator. They return what makes a client of
// a user for each of them.
func replicas(t *testing.T) []func(*harness.User) versioned.Interface {
	t.Helper()
	endpoint, peer := freeAddress(t), freeAddress(t)
	start(t, "race-etcd", "etcd", "--data-dir="+filepath.Join(t.TempDir(), "etcd"), "--name=one",
		"--listen-client-urls="+endpoint, "--advertise-client-urls="+endpoint,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=one="+peer)
	harness.Eventually(t, "etcd answers", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/health", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("it says %s", response.Status)
		}
		return nil
	})
	// Of its own, so that this store is not taken for another one of the server that the cluster has.
	namespace := cluster.Namespace(t)
	var all []func(*harness.User) versioned.Interface
	for i := range 2 {
		flags := harness.ServerFlags(t, cluster.Admin.Kubeconfig)
		start(t, fmt.Sprintf("race-server-%d", i), "dittofs-apiserver",
			append(flags, "--etcd-servers="+endpoint, "--namespace="+namespace, harness.WithoutControllers())...)
		host := ""
		for _, flag := range flags {
			if port, ok := strings.CutPrefix(flag, "--secure-port="); ok {
				host = "https://127.0.0.1:" + port
			}
		}
		client := func(user *harness.User) versioned.Interface {
			config := rest.CopyConfig(user.Config)
			// Its certificate is one of this test, made by itself.
			config.Host, config.CAData, config.Insecure = host, nil, true
			direct, err := versioned.NewForConfig(config)
			if err != nil {
				t.Fatal(err)
			}
			return direct
		}
		all = append(all, client)
		harness.Eventually(t, "the server is ready", func(ctx context.Context) error {
			_, err := client(cluster.Admin).Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
			return err
		})
	}
	return all
}

func TestOfTenCreatesAtOnceOverTwoReplicasOnlyOnePasses(t *testing.T) {
	servers := replicas(t)
	admin := servers[0](cluster.Admin).DittofsV1alpha1()
	for name, limit := range map[string]func(*dittofsv1alpha1.ClassLimits){
		"a limit of one server": func(l *dittofsv1alpha1.ClassLimits) { l.ServersPerNamespace = ptr.To[int32](1) },
		"a limit of storage":    func(l *dittofsv1alpha1.ClassLimits) { l.Storage.MaxNamespaceSize = ptr.To(resource.MustParse("3Gi")) },
	} {
		t.Run(name, func(t *testing.T) {
			namespace := cluster.Namespace(t)
			c := &dittofsv1alpha1.DittoServerClass{ObjectMeta: metav1.ObjectMeta{GenerateName: "race-"}}
			limit(&c.Spec.Limits)
			c, err := admin.DittoServerClasses().Create(t.Context(), c, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			user := tenant(t, "racer-"+namespace, namespace)
			grant(t, user, namespace, c.Name, "use")
			// One server takes 2Gi: 1Gi for metadata, 1Gi for the control plane by default.
			wanted := func(name string) *dittofsv1alpha1.DittoServer {
				return harness.NewDittoServer(name, func(s *dittofsv1alpha1.DittoServer) { s.Spec.ClassName = &c.Name })
			}
			for _, server := range servers {
				harness.Eventually(t, "the tenant has rights", func(ctx context.Context) error {
					_, err := server(user).DittofsV1alpha1().DittoServers(namespace).Create(ctx, wanted("dry"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
					return err
				})
			}
			var mu sync.Mutex
			var passed, refused []string
			var wg sync.WaitGroup
			ready := make(chan struct{})
			for i := range 10 {
				client := servers[i%2](user).DittofsV1alpha1().DittoServers(namespace)
				wg.Go(func() {
					<-ready
					name := fmt.Sprintf("s%d", i)
					_, err := client.Create(t.Context(), wanted(name), metav1.CreateOptions{})
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						passed = append(passed, name)
					case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "ask somebody with the verb override"):
						refused = append(refused, err.Error())
					default:
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			close(ready)
			wg.Wait()
			list, err := admin.DittoServers(namespace).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(passed) != 1 || len(refused) != 9 || len(list.Items) != 1 {
				t.Errorf("%v passed, %d were refused, %d are stored", passed, len(refused), len(list.Items))
			}
			if len(refused) > 0 {
				t.Log("one refusal: " + refused[0])
			}
		})
	}
}
