// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// combinations are values that users may think of, beside those of the overlays.
var combinations = map[string]string{
	"the defaults": ``,
	"one replica, larger, elsewhere": `
image: {repository: registry.example.com/storage/dittofs-apiserver, tag: v1, pullPolicy: Always, pullSecrets: [registry]}
store: {embedded: {size: 40Gi, storageClassName: fast, quotaBytes: 8589934592}}
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}]
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: In, values: [a]}]}]}}}
resources: {requests: {cpu: "1", memory: 1Gi}, limits: {memory: 2Gi}}
podAnnotations: {example.com/team: storage}
podLabels: {example.com/team: storage}
`,
	"with files and flags of mine": `
extraArgs: [--encryption-provider-config=/etc/encryption/config.yaml, --v=2]
extraEnv: [{name: GOMEMLIMIT, value: 1GiB}]
extraVolumes: [{name: encryption, secret: {secretName: encryption}}]
extraVolumeMounts: [{name: encryption, mountPath: /etc/encryption, readOnly: true}]
`,
	"certificates of mine": `
certificates: {selfManaged: false, secretName: serving, caBundle: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==}
`,
	"certificates by cert-manager": `
certificates: {selfManaged: false, secretName: serving}
apiService: {annotations: {cert-manager.io/inject-ca-from: dittofs-system/serving}}
`,
	"an etcd that I have, by plain HTTP": `
replicas: 2
store: {type: external, external: {servers: ["http://etcd-0.etcd:2379", "http://etcd-1.etcd:2379"], secretName: ""}}
`,
	"an etcd of five members": `
replicas: 5
store: {type: external}
etcd: {enabled: true, members: 5, size: 30Gi, storageClassName: fast, quotaBytes: 8589934592, nodeSelector: {disk: nvme}, tolerations: [{operator: Exists}]}
topologySpreadConstraints: [{maxSkew: 1, topologyKey: rack, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app.kubernetes.io/name: dittofs-apiserver}}}]
`,
	"as little as there can be": `
generateCredentials: false
roles: {create: false}
flowSchema: {create: false}
networkPolicy: {enabled: false}
podDisruptionBudget: {enabled: false}
priorityClassName: ""
store: {type: external, external: {servers: ["https://etcd:2379"]}}
`,
	"backups": `
backup: {enabled: true, schedule: "*/10 * * * *", keep: 500, size: 100Gi, storageClassName: slow}
`,
}

func file(t *testing.T, values string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(path, []byte(values), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEveryCombinationPassesLintAndTheDryRunOfTheServer(t *testing.T) {
	for name, values := range combinations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := file(t, values)
			if output := run(t, "lint", chart, "--strict", "--values="+path, "--kube-version=1.34"); strings.Contains(output, "[WARNING]") {
				t.Error(output)
			}
			space := namespace(t)
			output := cluster.Admin.Kubectl("").Stdin(rendered(t, space, "--values="+path)).
				Try(t, "apply", "-f", "-", "--server-side", "--dry-run=server", "--validate=strict")
			if output.ExitCode != 0 || strings.Contains(output.Stderr, "Warning") {
				t.Error(output.Stderr)
			}
		})
	}
}

func TestValuesThatMakeNoSenseAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ values, want string }{
		"two replicas over one volume":         {`replicas: 2`, "replicas above 1 need store.type external"},
		"an external store that is not named":  {`store: {type: external}`, "store.type external needs store.external.servers, or etcd.enabled"},
		"an etcd that nobody uses":             {`etcd: {enabled: true}`, "etcd.enabled needs store.type external"},
		"no certificate":                       {`certificates: {selfManaged: false}`, "certificates.selfManaged false needs certificates.secretName"},
		"backups that cannot verify who sends": {`{backup: {enabled: true}, certificates: {selfManaged: false, secretName: x}}`, "backup.enabled needs certificates.selfManaged"},
		"a value with a typing error":          {`replica: 1`, "additional properties 'replica' not allowed"},
		"a kind of store that is none":         {`store: {type: sqlite}`, "/store/type"},
		"four members":                         {`{store: {type: external}, etcd: {enabled: true, members: 4}}`, "/etcd/members"},
		"a size without a unit of bytes":       {`store: {embedded: {size: 8 Gi}}`, "/store/embedded/size"},
	} {
		_, err := try(t, "template", "dittofs-apiserver", chart, "--values="+file(t, c.values))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// podOf renders values and returns the workload's own part.
func podOf(t *testing.T, kind, values string) *appsv1.Deployment {
	t.Helper()
	object := objectsOf(t, rendered(t, theNamespace, "--values="+file(t, values)))[kind+" "+theNamespace+"/dittofs-apiserver"]
	if object == nil {
		t.Fatalf("no %s", kind)
	}
	workload := &appsv1.Deployment{} // a StatefulSet has its template in the same place
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, workload); err != nil {
		t.Fatal(err)
	}
	return workload
}

func TestValuesReachThePod(t *testing.T) {
	workload := podOf(t, "StatefulSet", combinations["one replica, larger, elsewhere"])
	pod, container := workload.Spec.Template.Spec, workload.Spec.Template.Spec.Containers[0]
	for what, ok := range map[string]bool{
		"image":        container.Image == "registry.example.com/storage/dittofs-apiserver:v1",
		"pull policy":  container.ImagePullPolicy == "Always",
		"pull secret":  len(pod.ImagePullSecrets) == 1 && pod.ImagePullSecrets[0].Name == "registry",
		"quota":        contains(container.Args, "--embedded-etcd-quota-bytes=8589934592"),
		"selector":     pod.NodeSelector["kubernetes.io/os"] == "linux",
		"tolerations":  len(pod.Tolerations) == 1,
		"affinity":     pod.Affinity != nil && pod.Affinity.NodeAffinity != nil,
		"limits":       container.Resources.Limits.Memory().String() == "2Gi",
		"annotations":  workload.Spec.Template.Annotations["example.com/team"] == "storage",
		"labels":       workload.Spec.Template.Labels["example.com/team"] == "storage",
		"own selector": metav1.FormatLabelSelector(workload.Spec.Selector) == "app.kubernetes.io/name=dittofs-apiserver",
	} {
		if !ok {
			t.Errorf("%s: not as the values say: %+v", what, pod)
		}
	}
	files := podOf(t, "StatefulSet", combinations["with files and flags of mine"]).Spec.Template.Spec
	if !contains(files.Containers[0].Args, "--v=2") || len(files.Volumes) != 2 || len(files.Containers[0].VolumeMounts) != 3 || len(files.Containers[0].Env) != 1 {
		t.Errorf("flags and files: %+v", files)
	}
	mine := podOf(t, "StatefulSet", combinations["certificates of mine"]).Spec.Template.Spec
	if !contains(mine.Containers[0].Args, "--tls-cert-file=/etc/dittofs-apiserver/serving/tls.crt") || contains(mine.Containers[0].Args, "--authority-secret=dittofs-apiserver-authority") {
		t.Errorf("certificates: %v", mine.Containers[0].Args)
	}
	five := podOf(t, "Deployment", combinations["an etcd of five members"]).Spec.Template.Spec
	for i := range 5 {
		if url := fmt.Sprintf("--etcd-servers=https://dittofs-etcd-%d.dittofs-etcd.%s.svc:2379", i, theNamespace); !contains(five.Containers[0].Args, url) {
			t.Errorf("no %s in %v", url, five.Containers[0].Args)
		}
	}
}

func contains(args []string, arg string) bool {
	for _, a := range args {
		if a == arg {
			return true
		}
	}
	return false
}
