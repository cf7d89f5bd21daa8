// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsclient "github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned/typed/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func jwt(name string) specChange {
	return func(s *dittofsv1alpha1.DittoServerSpec) {
		s.Identity.JWT.SecretRef = &dittofsv1alpha1.SecretKeyReference{Name: name, Key: "k"}
	}
}

func class(name string) specChange {
	return func(s *dittofsv1alpha1.DittoServerSpec) { s.Storage.StorageClassName = &name }
}

// A host that takes a connection and never answers costs each rule its deadline: then it is refused, or let through, as
// docs/api/admission.md says of the rule.
func TestARuleWhoseLookUpIsNotAnsweredEndsAtItsDeadline(t *testing.T) {
	host := newDeafHost(t)
	another := startAnother(t, host.kubeconfig)
	core := func(namespace, rest string) string { return "/api/v1/namespaces/" + namespace + rest }
	anything := func(s *dittofsv1alpha1.DittoServerSpec) { s.Logging.Level = dittofsv1alpha1.LogDebug }
	cases := []struct {
		name     string
		silence  func(namespace string) silence
		old, new specChange // an update if there is an old one
		deadline time.Duration
		// wants is of the refusal; empty if the request is let through.
		wants []string
	}{
		{"the UID of the namespace", func(ns string) silence { return gets(core(ns, "")) },
			nil, anything, 5 * time.Second, []string{"looking for the UID of namespace", "does not answer in time", "try again"}},
		{"whether we may create Secrets", func(ns string) silence {
			return posts("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", ns)
		}, nil, anything, 2 * time.Second, nil},
		{"the rights of the requester", func(ns string) silence {
			return posts("/apis/authorization.k8s.io/v1/subjectaccessreviews", ns, "secrets")
		}, nil, jwt("signing"), 10 * time.Second, []string{`asking whether you have the verb get on Secret "signing" (spec.identity.jwt.secretRef)`}},
		{"Secrets that an earlier server has left", func(ns string) silence { return gets(core(ns, "/secrets/files-jwt-secret")) },
			nil, anything, 5 * time.Second, []string{"looking for what is there already", "files-jwt-secret"}},
		{"a StatefulSet that an earlier server has left", func(ns string) silence { return gets("/apis/apps/v1/namespaces/" + ns + "/statefulsets/files") },
			nil, anything, 5 * time.Second, []string{"looking for what is there already", "statefulsets"}},
		{"Secrets to warn of", func(ns string) silence { return gets(core(ns, "/secrets/signing")) },
			anything, jwt("signing"), 2 * time.Second, nil},
		{"the Percona operator", func(string) silence { return gets("/apis/pgv2.percona.com/v2") },
			nil, func(s *dittofsv1alpha1.DittoServerSpec) {
				s.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true}
			}, 5 * time.Second, []string{"looking for the Percona operator"}},
		{"a StorageClass", func(string) silence { return gets("/apis/storage.k8s.io/v1/storageclasses/unheard-of") },
			nil, class("unheard-of"), 5 * time.Second, []string{"looking for the StorageClass", "unheard-of"}},
		{"the claim of a volume that grows", func(ns string) silence { return gets(core(ns, "/persistentvolumeclaims/metadata-files-0")) },
			anything, func(s *dittofsv1alpha1.DittoServerSpec) { s.Storage.MetadataSize = ptr.To(quantity("2Gi")) },
			5 * time.Second, []string{"looking for the StorageClass of spec.storage.metadataSize", "metadata-files-0"}},
		{"the fields of the pod", func(ns string) silence { return posts(core(ns, "/podtemplates")) },
			nil, func(s *dittofsv1alpha1.DittoServerSpec) { s.Tolerations = []corev1.Toleration{{Key: "a"}} },
			5 * time.Second, []string{"having the fields of the pod checked by the host cluster"}},
	}
	// Not all Secrets: whoever reads all is not asked about one.
	readsSecrets := harness.Rule("", "secrets", "get")
	readsSecrets.ResourceNames = []string{"first", "signing", "files-jwt-secret", "files-admin-bootstrap-credentials"}
	// All at the same time, since most of it is waiting.
	answers := make([]chan timedAnswer, len(cases))
	for i, c := range cases {
		namespace := cluster.Namespace(t)
		tenant := cluster.User(t, "tenant-of-"+namespace)
		cluster.Allow(t, tenant, namespace, harness.Rule("dittofs.io", "dittoservers", "create", "update"), readsSecrets)
		servers := another.servers(t, tenant, namespace)
		// Until the server knows the namespace, and the tenant their rights. Nothing of it is remembered that the case asks about.
		harness.Eventually(t, "the tenant creates servers", func(ctx context.Context) error {
			first := harness.NewDittoServer("first")
			jwt("first")(&first.Spec)
			first.Spec.Identity.Admin.PasswordSecretRef = first.Spec.Identity.JWT.SecretRef
			_, err := servers.Create(ctx, first, dryRun)
			return err
		})
		server, write := harness.NewDittoServer("files"), servers.Create
		if c.old != nil {
			c.old(&server.Spec)
			var err error
			if server, err = servers.Create(t.Context(), server, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			write = update(servers)
		}
		c.new(&server.Spec)
		host.add(c.silence(namespace))
		answers[i] = make(chan timedAnswer, 1)
		go func() {
			start := time.Now()
			_, err := write(t.Context(), server, metav1.CreateOptions{})
			answers[i] <- timedAnswer{err, time.Since(start)}
		}()
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			answer := <-answers[i]
			if answer.took < c.deadline-200*time.Millisecond || answer.took > c.deadline+4*time.Second {
				t.Errorf("it took %s, and the deadline is %s", answer.took, c.deadline)
			}
			switch {
			case c.wants != nil:
				expectRefusal(t, answer.err, http.StatusServiceUnavailable, append(c.wants, `dittoservers.dittofs.io "files" is not decided`)...)
			case answer.err != nil:
				t.Errorf("it is let through without an answer, and was refused: %v", answer.err)
			}
		})
	}
}

type timedAnswer struct {
	err  error
	took time.Duration
}

// What is stored can always be labelled, stopped, reported on and deleted, while the host answers nothing at all.
func TestWhatChangesNoSpecNeedsNoAnswerOfTheHost(t *testing.T) {
	namespace := cluster.Namespace(t)
	host := newDeafHost(t)
	servers := startAnother(t, host.kubeconfig).servers(t, cluster.Admin, namespace)
	for _, name := range []string{"files", "leaving"} {
		if _, err := servers.Create(t.Context(), harness.NewDittoServer(name), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := servers.Delete(t.Context(), "leaving", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	host.add(func(r *http.Request, _ []byte) bool { return r.URL.Query().Get("watch") == "" })
	patch := func(name, body string, subresources ...string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := servers.Patch(ctx, name, types.MergePatchType, []byte(body), metav1.PatchOptions{}, subresources...)
			return err
		}
	}
	for _, c := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"a label", patch("files", `{"metadata":{"labels":{"a":"b"}}}`)},
		{"a status", patch("files", `{"status":{"phase":"Running"}}`, "status")},
		{"a scale", func(ctx context.Context) error {
			scale, err := servers.GetScale(ctx, "files", metav1.GetOptions{})
			if err == nil {
				scale.Spec.Replicas = 0
				_, err = servers.UpdateScale(ctx, "files", scale, metav1.UpdateOptions{})
			}
			return err
		}},
		{"a change that decides nothing", patch("files", `{"spec":{"logging":{"level":"DEBUG"}}}`)},
		{"a delete", func(ctx context.Context) error { return servers.Delete(ctx, "files", metav1.DeleteOptions{}) }},
		{"any change of what is being deleted", patch("leaving", `{"metadata":{"finalizers":null},"spec":{"image":"example/other:v1"}}`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			if err := c.do(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

func update(servers dittofsclient.DittoServerInterface) func(context.Context, *dittofsv1alpha1.DittoServer, metav1.CreateOptions) (*dittofsv1alpha1.DittoServer, error) {
	return func(ctx context.Context, server *dittofsv1alpha1.DittoServer, _ metav1.CreateOptions) (*dittofsv1alpha1.DittoServer, error) {
		return servers.Update(ctx, server, metav1.UpdateOptions{})
	}
}
