// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package tenancy_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

const newServer = `{"apiVersion":"dittofs.io/v1alpha1","kind":"DittoServer","metadata":{"name":%q},"spec":{"storage":{"metadataSize":"1Gi"},%s}}`

// theirSecret is what tenant A is after: a Secret of B that would do as the signing secret of a server of A.
const theirSecret = "of-the-other-tenant"

// ownerOfA is the admin of the first of two namespaces; the second one has the Secret.
func ownerOfA(t *testing.T, name string) (a, b string, owner caller) {
	t.Helper()
	in := namespaces{inA: cluster.Namespace(t), inB: cluster.Namespace(t)}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: theirSecret}, StringData: map[string]string{"token": strings.Repeat("b", 40)}}
	if _, err := cluster.Admin.Kube.CoreV1().Secrets(in[inB]).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	who := bound(name, inA, "admin")(t, in)
	awaitBindings(t, in, row{who: name, anywhere: seesClasses, a: ownsServers, b: nothing}, who.name)
	return in[inA], in[inB], newCaller(t, who, kubeAPIServer)
}

func TestNoWayLeadsToASecretOfAnotherTenant(t *testing.T) {
	a, b, owner := ownerOfA(t, "secret-seeker")
	path := group + "/namespaces/" + a + "/dittoservers?fieldValidation=Strict"
	there := b + "/" + theirSecret
	for name, c := range map[string]struct {
		spec string
		code int
		want string
	}{
		"by NAMESPACE/NAME as the signing secret":     {fmt.Sprintf(`"identity":{"jwt":{"secretRef":{"name":%q,"key":"token"}}}`, there), 422, "spec.identity.jwt.secretRef.name"},
		"by NAMESPACE/NAME as a password":             {fmt.Sprintf(`"identity":{"admin":{"passwordSecretRef":{"name":%q,"key":"token"}}}`, there), 422, "spec.identity.admin.passwordSecretRef.name"},
		"by NAMESPACE/NAME as a database":             {fmt.Sprintf(`"database":{"postgresSecretRef":{"name":%q}}`, there), 422, "spec.database.postgresSecretRef.name"},
		"by NAMESPACE/NAME as a certificate":          {fmt.Sprintf(`"controlPlane":{"certSecretName":%q}`, there), 422, "spec.controlPlane.certSecretName"},
		"by NAMESPACE/NAME for images":                {fmt.Sprintf(`"imagePullSecrets":[{"name":%q}]`, there), 422, "spec.imagePullSecrets[0].name"},
		"by NAMESPACE/NAME in the environment":        {fmt.Sprintf(`"extraEnv":[{"name":"A","valueFrom":{"secretKeyRef":{"name":%q,"key":"token"}}}]`, there), 422, "spec.extraEnv[0].valueFrom.secretKeyRef.name"},
		"by NAMESPACE/NAME as a volume":               {fmt.Sprintf(`"extraVolumes":[{"name":"v","secret":{"secretName":%q}}]`, there), 422, "spec.extraVolumes[0].secret.secretName"},
		"by a namespace beside the name":              {fmt.Sprintf(`"identity":{"jwt":{"secretRef":{"name":%q,"namespace":%q,"key":"token"}}}`, theirSecret, b), 400, `unknown field \"spec.identity.jwt.secretRef.namespace\"`},
		"by a path in the name":                       {`"identity":{"jwt":{"secretRef":{"name":"../../` + there + `","key":"token"}}}`, 422, "spec.identity.jwt.secretRef.name"},
		"by a path in the key":                        {`"identity":{"jwt":{"secretRef":{"name":"mine","key":"../../token"}}}`, 422, "spec.identity.jwt.secretRef.key"},
		"by a path in the items of a volume":          {`"extraVolumes":[{"name":"v","secret":{"secretName":"mine","items":[{"key":"k","path":"../../../etc/x"}]}}]`, 422, "spec.extraVolumes[0].secret.items[0].path"},
		"by a subPath that climbs":                    {`"extraVolumes":[{"name":"v","emptyDir":{}}],"extraVolumeMounts":[{"name":"v","mountPath":"/mnt","subPath":"../../secrets"}]`, 422, "spec.extraVolumeMounts[0].subPath"},
		"by a path in the configuration":              {`"config":{"controlplane":{"jwt":{"secret_file":"/var/run/secrets/x"}}}`, 422, "spec.config.controlplane.jwt"},
		"by the directory of the kubelet":             {`"extraVolumes":[{"name":"v","hostPath":{"path":"/var/lib/kubelet/pods"}}]`, 422, "spec.extraVolumes[0].hostPath"},
		"by the token of an account":                  {`"extraVolumes":[{"name":"v","projected":{"sources":[{"serviceAccountToken":{"path":"token"}}]}}]`, 422, "spec.extraVolumes[0].projected.sources[0].serviceAccountToken"},
		"by a database cluster of theirs":             {fmt.Sprintf(`"percona":{"existingClusterRef":{"name":%q}}`, b+"/postgres"), 422, "spec.percona.existingClusterRef.name"},
		"by a server of one's own in their namespace": {"", http.StatusForbidden, `cannot create resource \"dittoservers\"`},
	} {
		t.Run(name, func(t *testing.T) {
			request := ask{method: "POST", path: path, body: fmt.Sprintf(newServer, "files", c.spec)}
			if c.spec == "" {
				request = ask{method: "POST", path: group + "/namespaces/" + b + "/dittoservers", body: fmt.Sprintf(newServer, "files", `"paused":false`)}
			}
			if code, body := owner.send(t, request); code != c.code || !strings.Contains(body, c.want) {
				t.Errorf("answered %d, want %d with %s: %s", code, c.code, c.want, body)
			}
		})
	}
	if list, err := cluster.Admin.DittoServers(a).List(t.Context(), metav1.ListOptions{}); err != nil || len(list.Items) > 0 {
		t.Errorf("%d servers were stored: %v", len(list.Items), err)
	}
}

// A name alone is taken, and means a Secret of one's own namespace, whatever others are called.
func TestASecretOfAnotherTenantIsNotMeantByItsName(t *testing.T) {
	a, _, owner := ownerOfA(t, "secret-namer")
	code, body := owner.send(t, ask{method: "POST", path: group + "/namespaces/" + a + "/dittoservers",
		body: fmt.Sprintf(newServer, "files", fmt.Sprintf(`"identity":{"jwt":{"secretRef":{"name":%q,"key":"token"}}}`, theirSecret))})
	if code != http.StatusCreated {
		t.Fatalf("answered %d %s", code, body)
	}
	message := cluster.AwaitCondition(t, harness.PatienceLimit, a, "files", dittofsv1alpha1.ConditionConfigReady, metav1.ConditionFalse, "SecretNotFound")
	if !strings.Contains(message, theirSecret) {
		t.Errorf("the condition says %s", message)
	}
	// What the pod would read it from is not there, and neither is the pod.
	harness.Eventually(t, "the parts that need no Secret are made", func(ctx context.Context) error {
		_, err := cluster.Admin.Kube.CoreV1().Services(a).Get(ctx, "files-headless", metav1.GetOptions{})
		return err
	})
	if pods, err := cluster.Admin.Kube.CoreV1().Pods(a).List(t.Context(), metav1.ListOptions{}); err != nil || len(pods.Items) > 0 {
		t.Errorf("there are %d pods: %v", len(pods.Items), err)
	}
	secrets, err := cluster.Admin.Kube.CoreV1().Secrets(a).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets.Items {
		for key, value := range secret.Data {
			if strings.Contains(string(value), strings.Repeat("b", 40)) {
				t.Errorf("Secret %s of A has the value, under %s", secret.Name, key)
			}
		}
	}
}
