// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/nscheck"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// Retries of what no watch event announces.
const (
	refusedRetry  = time.Minute      // rights, quotas and policies are not watched
	conflictRetry = 2 * time.Minute  // objects without our labels are not watched
	expandRetry   = 10 * time.Minute // neither are StorageClasses
)

// maxRaces is how often in a row a conflict over one object is taken for bad luck.
const maxRaces = 3

// raceMemory counts conflicts in a row, by object.
type raceMemory struct{ table[map[string]int] }

// problem is something that keeps the server from being what the spec asks for.
type problem struct {
	condition string // the type of the condition that carries it
	reason    string
	message   string
}

// add notes a problem; retry says when to look again, 0 if an event will tell.
func (p *pass) add(retry time.Duration, condition, reason, format string, args ...any) {
	p.problems = append(p.problems, problem{condition, reason, fmt.Sprintf(format, args...)})
	p.recheck(retry)
}

// recheck asks for another pass after d, unless one is due earlier anyway.
func (p *pass) recheck(d time.Duration) {
	if d > 0 && (p.after == 0 || d < p.after) {
		p.after = d
	}
}

// conditionExposure stands for what has no condition of its own and keeps the server from Ready all the same: a server
// whose Ingress is refused is available, and not what the spec asks for.
const conditionExposure = "Exposure"

// conditionOf is the condition that tells of an object.
func (p *pass) conditionOf(kind, name string) string {
	switch kind {
	case "ConfigMap", "Secret":
		return dittofsv1alpha1.ConditionConfigReady
	case "PersistentVolumeClaim":
		return dittofsv1alpha1.ConditionStorageReady
	case perconaKind:
		return dittofsv1alpha1.ConditionDatabaseReady
	case "Service":
		if name != render.APIServiceName(p.server.Name) && name != render.HeadlessServiceName(p.server.Name) {
			return conditionExposure
		}
	case "Ingress", "NetworkPolicy", "ServiceMonitor":
		return conditionExposure
	}
	return dittofsv1alpha1.ConditionAvailable
}

// nameConflict notes an object of somebody else; obj is nil if it is certainly none of the DittoFS operator.
func (p *pass) nameConflict(kind, name, owner string, obj client.Object) {
	if obj != nil && p.operators(obj) {
		p.add(conflictRetry, p.conditionOf(kind, name), reasonNameConflict,
			"%s %s exists and is the DittoFS operator's: it is %s. It is left alone. To take the running server over, follow %s, "+
				"which ends with the annotation %s: \"true\" on this DittoServer; else delete this DittoServer and create it under another name.",
			kind, name, owner, migrationPage, dittofsv1alpha1.AnnotationAdopt)
		return
	}
	p.add(conflictRetry, p.conditionOf(kind, name), reasonNameConflict,
		"%s %s exists and does not belong to this DittoServer: it is %s. It is left alone. Rename or delete it, or delete this DittoServer and create it under another name.",
		kind, name, owner)
}

// refused turns an error of the host's API into a problem, if asking again soon would not help. It returns what is left.
func (p *pass) refused(kind, name string, err error) error {
	switch {
	case err == nil:
		return nil
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		// The event of the namespace is on its way.
		return nil
	case apply.IsReplaced(err) && p.lostRace(kind, name):
		return nil
	case kindTerminating(err):
		p.add(servedRetry, p.conditionOf(kind, name), reasonKindTerminating,
			"The CustomResourceDefinition of the kind %s is being deleted, and takes no new object until it is gone and back. %s %s is made then.", kind, kind, name)
		return nil
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsRequestEntityTooLargeError(err):
		p.add(refusedRetry, p.conditionOf(kind, name), reasonApplyRefused, "The cluster refuses %s %s: %s. Tried again every %s.",
			kind, name, apiMessage(err), refusedRetry)
		return nil
	default:
		p.add(0, p.conditionOf(kind, name), reasonApplyFailed, "%s %s could not be written: %s. It is tried again.", kind, name, apiMessage(err))
		return partialError{err}
	}
}

// lostRace says that somebody was faster: the next look finds out who, and until then nobody knows what to report. More
// than a few times in a row it is none of that, but somebody who answers so, as webhooks may.
func (p *pass) lostRace(kind, name string) bool {
	lost, _ := p.races.get(p.key)
	what := kind + "/" + name
	p.lost[what] = lost[what] + 1
	if p.lost[what] > maxRaces {
		return false
	}
	p.waiting = true
	p.recheck(soon)
	return true
}

// kindTerminating says that an object was refused because its kind is being deleted. It is a refusal like those of policies,
// told apart by its words only (customresource_handler.go in k8s.io/apiextensions-apiserver).
func kindTerminating(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "custom resource definition is terminating")
}

// connection is the address pair in an error of the network, whose port is another one at each try.
var connection = regexp.MustCompile(`(read|write) (tcp|udp|unix) \S+->`)

// apiMessage is the API's own sentence without our wrapping, and without what differs from try to try: it goes into a
// condition, and a condition that changes every time would be written every time.
func apiMessage(err error) string {
	message := err.Error()
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		message = status.Status().Message
	}
	return stable(message)
}

// stable takes out of an error what differs from try to try.
func stable(message string) string { return connection.ReplaceAllString(message, "$1 $2 ") }

// note records what became of one object.
func (p *pass) note(res apply.Result) {
	what := res.Kind + " " + res.Name
	if res.Live != nil && res.Action != apply.Conflict {
		p.mine(res.APIVersion, res.Kind, res.Name)
	}
	switch res.Action {
	case apply.Created:
		p.created = append(p.created, what)
	case apply.Changed:
		p.changed = append(p.changed, what)
	case apply.Waiting:
		p.waiting = true
		if res.Live == nil {
			p.recheck(cacheLag) // it was deleted in the middle of this pass
		}
	case apply.Conflict:
		p.nameConflict(res.Kind, res.Name, res.Owner, res.Live)
	case apply.Rewritten:
		p.rewritten = append(p.rewritten, fmt.Sprintf("%s %v", what, res.Paths))
	case apply.Planned:
		if res.Live == nil {
			p.plan = append(p.plan, "create "+what)
		} else {
			p.plan = append(p.plan, fmt.Sprintf("change %s %v", what, res.Paths))
		}
	}
}

// mine records an object as one of this server's.
func (p *pass) mine(apiVersion, kind, name string) {
	p.made = append(p.made, dittofsv1alpha1.ObjectReference{APIVersion: apiVersion, Kind: kind, Name: name})
}

// namespaceProblem says why nothing is done in a namespace that is not, or not for long, the server's own.
func (p *pass) namespaceProblem(state nscheck.State) {
	ready := dittofsv1alpha1.ConditionReady
	name := p.server.Namespace
	switch state {
	case nscheck.Missing:
		p.add(0, ready, reasonNamespaceMissing, "The namespace %s no longer exists. This object is left over and will be removed.", name)
	case nscheck.Replaced:
		p.add(0, ready, reasonNamespaceReplaced, "The namespace %s was deleted and created anew since this object was made. Nothing is run in it; this object will be removed.", name)
	case nscheck.Terminating:
		p.add(0, ready, reasonNamespaceTerminating, "The namespace %s is being deleted, and this server with it.", name)
	case nscheck.Unstamped:
		p.add(0, ready, reasonNamespaceUnknown, "The annotation %s is missing, so that nobody knows whether this is the namespace that the object was made in. Delete the object with --cascade=orphan and create it again: what runs is adopted.", dittofsv1alpha1.AnnotationNamespaceUID)
	}
}
