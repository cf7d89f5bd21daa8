// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsaccess

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

const (
	// ReasonCredentialsIssued is the event of a token that was handed out.
	ReasonCredentialsIssued = "CredentialsIssued"

	eventTimeout = 5 * time.Second
	// maxNote is the longest note that the host cluster takes.
	maxNote = 1024
)

// Issued tells, by an event about the server in the host cluster, that a token was handed out. There is one for each: they
// are not summed up.
func (a *Access) Issued(ctx context.Context, server *dittofsv1alpha1.DittoServer, note string) error {
	ctx, cancel := context.WithTimeout(ctx, eventTimeout)
	defer cancel()
	if len(note) > maxNote {
		note = note[:maxNote-3] + "..."
	}
	_, err := a.Host.EventsV1().Events(server.Namespace).Create(ctx, &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{GenerateName: server.Name + "-", Namespace: server.Namespace},
		EventTime:  metav1.NewMicroTime(a.Clock.Now()),
		Regarding: corev1.ObjectReference{
			APIVersion: dittofsv1alpha1.SchemeGroupVersion.String(), Kind: "DittoServer",
			Namespace: server.Namespace, Name: server.Name, UID: server.UID, ResourceVersion: server.ResourceVersion,
		},
		ReportingController: "dittofs.io/apiserver",
		ReportingInstance:   "dittofs-apiserver",
		Type:                corev1.EventTypeNormal, Reason: ReasonCredentialsIssued, Action: "IssueCredentials",
		Note: note,
	}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("write an event about DittoServer %s/%s: %w", server.Namespace, server.Name, err)
	}
	return nil
}
