// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/standin"
)

// putSecret creates or replaces the user's own JWT Secret.
func putSecret(t *testing.T, namespace, value string) {
	t.Helper()
	secrets := cluster.Admin.Kube.CoreV1().Secrets(namespace)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "mine"}, StringData: map[string]string{"token": value}}
	_, err := secrets.Create(t.Context(), secret, metav1.CreateOptions{})
	if err != nil {
		_, err = secrets.Update(t.Context(), secret, metav1.UpdateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func deleteSecret(t *testing.T, namespace string) {
	t.Helper()
	if err := cluster.Admin.Kube.CoreV1().Secrets(namespace).Delete(t.Context(), "mine", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

func withOwnJWT(server *dittofsv1alpha1.DittoServer) {
	server.Spec.Identity.JWT.SecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "mine", Key: "token"}
}

var (
	firstValue  = strings.Repeat("a", 40)
	secondValue = strings.Repeat("b", 40)
)

// ownJWT is a Ready server that signs with the user's Secret.
func ownJWT(t *testing.T) subject {
	t.Helper()
	s := subject{cluster.Namespace(t), "files"}
	putSecret(t, s.namespace, firstValue)
	cluster.CreateDittoServer(t, s.namespace, s.name, withOwnJWT)
	s.awaitReady(t)
	return s
}

func TestARotatedJWTSecretIsOneRestart(t *testing.T) {
	t.Parallel()
	s := ownJWT(t)
	pod, hash := s.pod(t), s.get(t).Status.ConfigHash
	putSecret(t, s.namespace, secondValue)
	s.awaitNewPod(t, pod)
	s.awaitReady(t)
	s.awaitCondition(t, dittofsv1alpha1.ConditionAuthenticated, metav1.ConditionTrue, "TokenAccepted")
	if s.get(t).Status.ConfigHash == hash {
		t.Error("the config hash is the old one")
	}
	if n := rollouts(t, s.namespace); n != 2 {
		t.Errorf("the pods had %d revisions, want the first and one for the rotation", n)
	}
	// The same value written again is no rotation.
	before := s.parts(t)
	if _, err := cluster.Admin.Kube.CoreV1().Secrets(s.namespace).Patch(t.Context(), "mine", "application/merge-patch+json",
		[]byte(`{"metadata":{"annotations":{"example.com/touched":"yes"}}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitControllers(t)
	before.expectUntouched(t, s)
}

// controllers.md 9: the pod accepts only what it started with, and that is what is signed with until it is restarted.
func TestARotationThatWaitsForItsWindowIsNoReasonForA401(t *testing.T) {
	t.Parallel()
	s := subject{cluster.Namespace(t), "files"}
	putSecret(t, s.namespace, firstValue)
	cluster.CreateDittoServer(t, s.namespace, s.name, withOwnJWT, often, func(server *dittofsv1alpha1.DittoServer) {
		server.Spec.Rollout = dittofsv1alpha1.RolloutOnRequest
	})
	s.awaitReady(t)
	pod := s.pod(t)
	s.on().CountDFSAnew(t)
	putSecret(t, s.namespace, secondValue)
	s.awaitCondition(t, dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, "RolloutPending")
	expectInTouch(t, s.on())
	s.awaitCondition(t, dittofsv1alpha1.ConditionAuthenticated, metav1.ConditionTrue, "TokenAccepted")
	if _, list := s.on().DFSRequests(t); slices.ContainsFunc(list, func(r standin.RequestCount) bool { return r.Status == http.StatusUnauthorized }) {
		t.Errorf("dfs refused a token: %+v", list)
	}
	if now := s.pod(t); now.UID != pod.UID {
		t.Error("the server was restarted before anybody asked for it")
	}
	s.patch(t, `{"metadata":{"annotations":{"dittofs.io/rollout":"now"}}}`)
	s.awaitNewPod(t, pod)
	s.awaitReady(t)
	s.awaitCondition(t, dittofsv1alpha1.ConditionAuthenticated, metav1.ConditionTrue, "TokenAccepted")
}

func TestARestoredSecretOfTheSameValueRestartsNothing(t *testing.T) {
	t.Parallel()
	s := ownJWT(t)
	before := s.parts(t)
	deleteSecret(t, s.namespace)
	s.awaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "SecretNotFound")
	putSecret(t, s.namespace, firstValue)
	s.awaitReady(t)
	awaitControllers(t)
	before.expectSame(t, s)
}

func TestAUnusableSecretKeepsAServerFromStarting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, value, reason, says string
	}{
		{"because it is too short", strings.Repeat("a", 31), "SecretTooShort", "31 bytes"},
		{"because it does not exist", "", "SecretNotFound", "mine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := subject{cluster.Namespace(t), "files"}
			if c.value != "" {
				putSecret(t, s.namespace, c.value)
			}
			cluster.CreateDittoServer(t, s.namespace, s.name, withOwnJWT)
			message := s.awaitCondition(t, dittofsv1alpha1.ConditionConfigReady, metav1.ConditionFalse, c.reason)
			if !strings.Contains(message, c.says) || c.value != "" && strings.Contains(message, c.value) {
				t.Errorf("the message should say %q and never the value: %s", c.says, message)
			}
			if phase := s.get(t).Status.Phase; phase != dittofsv1alpha1.PhaseFailed {
				t.Errorf("the phase is %s", phase)
			}
			if _, exists := s.parts(t)["statefulsets/files"]; exists {
				t.Error("the StatefulSet exists, whose pod could not start")
			}
			putSecret(t, s.namespace, firstValue)
			s.awaitReady(t)
			if n := podsCreated(t, s.namespace); n != 1 {
				t.Errorf("%d pods were created, want 1", n)
			}
		})
	}
}
