// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned/fake"
)

// changes makes a function of lines into a writer: what is printed moves the test on.
type changes func(line string)

func (c changes) Write(text []byte) (int, error) {
	c(string(text))
	return len(text), nil
}

func server(status metav1.ConditionStatus, generation int64) *dittofsv1alpha1.DittoServer {
	return &dittofsv1alpha1.DittoServer{
		ObjectMeta: metav1.ObjectMeta{Name: "files", Namespace: "a", UID: "1", Generation: 2},
		Status: dittofsv1alpha1.DittoServerStatus{Conditions: []metav1.Condition{{
			Type: dittofsv1alpha1.ConditionReady, Status: status, Reason: "AReason", Message: "A message.", ObservedGeneration: generation,
		}}},
	}
}

func TestItWaitsUntilTheServerIsReadyAndSaysWhyNot(t *testing.T) {
	client := fake.NewClientset(server(metav1.ConditionFalse, 2))
	var printed []string
	out := changes(func(line string) {
		printed = append(printed, line)
		if _, err := client.DittofsV1alpha1().DittoServers("a").Update(t.Context(), server(metav1.ConditionTrue, 2), metav1.UpdateOptions{}); err != nil {
			t.Error(err)
		}
	})
	ready, err := waitForReady(t.Context(), client, server(metav1.ConditionFalse, 2), out)
	if err != nil || ready.Name != "files" {
		t.Fatalf("%v, %v", ready, err)
	}
	if len(printed) != 1 || printed[0] != "AReason: A message.\n" {
		t.Errorf("printed %q", printed)
	}
}

func TestAServerThatIsDeletedIsNotWaitedFor(t *testing.T) {
	client := fake.NewClientset(server(metav1.ConditionFalse, 2))
	out := changes(func(string) {
		if err := client.DittofsV1alpha1().DittoServers("a").Delete(t.Context(), "files", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	if _, err := waitForReady(t.Context(), client, server(metav1.ConditionFalse, 2), out); err == nil || !strings.Contains(err.Error(), "deleted") {
		t.Errorf("got %v", err)
	}
}

func TestAStatusOfAnOlderSpecSaysNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	client := fake.NewClientset(server(metav1.ConditionTrue, 1))
	_, err := waitForReady(ctx, client, server(metav1.ConditionTrue, 1), changes(func(line string) { t.Errorf("printed %q", line) }))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
