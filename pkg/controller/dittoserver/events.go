// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/nscheck"
)

// news is what passes have made and changed, and not told yet.
type news struct {
	created, changed, removed []string
	regenerated               bool
}

// untoldMemory keeps the news of passes that end without a word about the status.
type untoldMemory struct{ table[news] }

// keepNews leaves what this pass made and changed to the next one that reports. Two events of a reason about the same
// version of an object are one to the recorder: the words of the second would be lost.
func (p *pass) keepNews() {
	p.gatherNews()
	p.untold.put(p.key, news{p.created, p.changed, p.removed, p.regenerated})
}

// gatherNews adds what earlier passes have left.
func (p *pass) gatherNews() {
	left, found := p.untold.get(p.key)
	if !found {
		return
	}
	p.untold.forget(p.key)
	p.created, p.changed, p.removed = append(left.created, p.created...), append(left.changed, p.changed...), append(left.removed, p.removed...)
	p.regenerated = p.regenerated || left.regenerated
}

// objectEvents tells what was made and changed.
func (p *pass) objectEvents() {
	p.gatherNews()
	if len(p.created) > 0 {
		p.event(corev1.EventTypeNormal, reasonCreated, "Create", "Created "+strings.Join(p.created, ", "))
	}
	if p.regenerated {
		p.event(corev1.EventTypeWarning, reasonGeneratedAnew, "Create",
			"The generated JWT Secret was missing and has been generated anew: the server restarts with it and tokens issued before are void")
	}
	if len(p.changed) > 0 {
		p.event(corev1.EventTypeNormal, reasonChanged, "Apply", "Changed "+strings.Join(p.changed, ", "))
	}
	if len(p.removed) > 0 {
		p.event(corev1.EventTypeNormal, reasonRemoved, "Delete", "Removed "+strings.Join(p.removed, ", "))
	}
}

// statusEvents tells of conditions that took another reason. The stored status is the memory: a restarted controller
// says nothing twice.
func (p *pass) statusEvents(before, after dittofsv1alpha1.DittoServerStatus) {
	told := map[string]bool{}
	for _, now := range after.Conditions {
		old := meta.FindStatusCondition(before.Conditions, now.Type)
		if old != nil && old.Reason == now.Reason && old.Status == now.Status || told[now.Reason] {
			continue
		}
		switch {
		case isWarning(now.Reason):
			told[now.Reason] = true
			p.event(corev1.EventTypeWarning, now.Reason, "Reconcile", now.Message)
		case now.Type == dittofsv1alpha1.ConditionProgressing && now.Status == metav1.ConditionTrue &&
			(now.Reason == reasonRollingOut || now.Reason == reasonDeleting),
			now.Reason == reasonRolloutPending, now.Type == dittofsv1alpha1.ConditionProgressing && now.Reason == reasonPaused,
			now.Type == dittofsv1alpha1.ConditionReady && now.Status == metav1.ConditionTrue:
			told[now.Reason] = true
			p.event(corev1.EventTypeNormal, now.Reason, "Reconcile", now.Message)
		}
	}
}

// maxNote is the longest text that the API takes in an event.
const maxNote = 1024

func (p *pass) event(eventType, reason, action, note string) {
	// A namespace that is gone or going takes no events, and a new one of the name is none of this server's: who uses
	// it now must not read of it.
	switch p.namespace {
	case nscheck.Missing, nscheck.Terminating, nscheck.Replaced, nscheck.Unstamped:
		return
	}
	if len(note) > maxNote {
		note = strings.ToValidUTF8(note[:maxNote-3], "") + "..."
	}
	p.Events.Eventf(p.stored, nil, eventType, reason, action, "%s", note)
}
