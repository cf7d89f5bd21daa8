// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// view is everything that the status is made of.
type view struct {
	server    *dittofsv1alpha1.DittoServer
	listening *dittofsv1alpha1.DittoServer // with the port on which the pod listens
	now       time.Time
	problems  []problem
	rewritten []string
	set       *appsv1.StatefulSet
	pod       *corev1.Pod // of set
	held      bool
	adopting  bool   // set is as the DittoFS operator has left it
	pending   string // the rollout that waits for a request, and how to request it
	waitsFor  string // what a deletion waits for
	// dfs is what the probe saw of pod, nil if nothing yet; probing says that there is a probe.
	dfs     *dfsprobe.Observation
	probing bool

	volumes       []volume
	volumesKnown  bool             // that they were looked up
	identity      databaseIdentity // empty if it is not known, or not to be recorded
	otherDatabase bool
	percona       perconaState
	made          []dittofsv1alpha1.ObjectReference // nil if the pass did not come to its end
	conformance   *verdict                          // with the class of the server, nil without one

	certificates knownCertificates

	apiService      *corev1.Service
	ingress         *networkingv1.Ingress
	adapterServices map[string]*corev1.Service // by the type of the adapter
	balancers       []*corev1.Service          // the Services of adapters, those for UDP included
}

// verdict is the outcome for one condition.
type verdict struct {
	status  metav1.ConditionStatus
	reason  string
	message string
}

func yes(reason, format string, args ...any) verdict {
	return verdict{metav1.ConditionTrue, reason, fmt.Sprintf(format, args...)}
}
func no(reason, format string, args ...any) verdict {
	return verdict{metav1.ConditionFalse, reason, fmt.Sprintf(format, args...)}
}
func unknown(reason, format string, args ...any) verdict {
	return verdict{metav1.ConditionUnknown, reason, fmt.Sprintf(format, args...)}
}

// status is the one place where what was found becomes the status. recheck says when time alone will change it.
func (v view) status() (status dittofsv1alpha1.DittoServerStatus, recheck time.Duration) {
	status = *v.server.Status.DeepCopy()
	status.ObservedGeneration = v.server.Generation
	status.Selector = labels.SelectorFromSet(render.SelectorLabels(v.server.Name)).String()
	status.Replicas, status.ReadyReplicas, status.ConfigHash = 0, 0, ""
	status.AvailableReplicas = 0
	if v.set != nil {
		status.Replicas, status.ReadyReplicas = v.set.Status.Replicas, v.set.Status.ReadyReplicas
		status.AvailableReplicas = v.set.Status.AvailableReplicas
		if !v.adopting || v.set.Annotations[annotationRenderedTemplate] != "" {
			// By a hash our API knows that the server is set up, and its database fixed. Before that the spec can be corrected.
			status.ConfigHash = v.set.Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash]
		}
	}
	verdicts := map[string]verdict{
		dittofsv1alpha1.ConditionConfigReady:  v.configReady(),
		dittofsv1alpha1.ConditionStorageReady: v.storageReady(),
		dittofsv1alpha1.ConditionAvailable:    v.available(),
		dittofsv1alpha1.ConditionProgressing:  v.progressing(),
	}
	recheck = v.dfsVerdicts(verdicts)
	v.perconaVerdicts(verdicts)
	turning := v.certificatesValid(verdicts)
	ready := v.ready(verdicts)
	verdicts[dittofsv1alpha1.ConditionReady] = ready
	degraded, later := v.degraded(verdicts, ready)
	verdicts[dittofsv1alpha1.ConditionDegraded] = degraded
	_, _, grown := v.expanding()
	for _, d := range []time.Duration{later, grown, turning} {
		if d > 0 && (recheck == 0 || d < recheck) {
			recheck = d
		}
	}
	for t, now := range verdicts {
		verdicts[t] = v.withSince(t, now)
	}
	v.details(&status, verdicts)
	for _, t := range conditionOrder {
		meta.SetStatusCondition(&status.Conditions, metav1.Condition{
			Type:               t,
			Status:             verdicts[t].status,
			Reason:             verdicts[t].reason,
			Message:            verdicts[t].message,
			ObservedGeneration: v.server.Generation,
			LastTransitionTime: metav1.NewTime(v.now),
		})
	}
	v.setConformance(&status.Conditions)
	v.setCertificates(&status.Conditions, verdicts)
	status.Phase = v.phase(ready)
	return status, recheck
}

// details fills in the fields of the status beside its conditions.
func (v view) details(status *dittofsv1alpha1.DittoServerStatus, verdicts map[string]verdict) {
	if v.server.DeletionTimestamp != nil {
		return
	}
	status.Version = v.version()
	status.Endpoints = v.endpoints()
	status.Adapters = v.adapterStatuses()
	status.SnapshotPolicies = v.policyStatuses()
	v.identityStatus(status)
	v.perconaStatus(status)
	if status.Database != nil {
		status.Database.Ready = verdicts[dittofsv1alpha1.ConditionDatabaseReady].status == metav1.ConditionTrue
	}
	if v.volumesKnown {
		status.Volumes = v.volumeStatuses()
	}
	if v.made != nil {
		status.Objects = v.made
	}
}

// conditionOrder is the order of conditions in a new status.
var conditionOrder = []string{
	dittofsv1alpha1.ConditionReady,
	dittofsv1alpha1.ConditionProgressing,
	dittofsv1alpha1.ConditionDegraded,
	dittofsv1alpha1.ConditionConfigReady,
	dittofsv1alpha1.ConditionStorageReady,
	dittofsv1alpha1.ConditionAvailable,
	dittofsv1alpha1.ConditionDatabaseReady,
	dittofsv1alpha1.ConditionAuthenticated,
	dittofsv1alpha1.ConditionAdaptersReady,
}

// stopped says that the server is to stand still. While it is paused, what the spec says about that is not carried out.
func (v view) stopped() bool {
	replicas := v.server.Spec.Replicas
	if v.server.Spec.Paused && v.set != nil {
		replicas = v.set.Spec.Replicas
	}
	return replicas != nil && *replicas == 0
}

// problemOf returns the verdict of the problems that belong to a condition.
func (v view) problemOf(condition string) (verdict, bool) {
	var found []problem
	for _, p := range v.problems {
		if p.condition == condition {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return verdict{}, false
	}
	messages := make([]string, 0, len(found))
	for _, p := range found {
		if !slices.Contains(messages, p.message) {
			messages = append(messages, p.message)
		}
	}
	return no(found[0].reason, "%s", strings.Join(messages, " ")), true
}

func (v view) configReady() verdict {
	if v.server.DeletionTimestamp != nil {
		return unknown(reasonDeleting, "The server is being deleted.")
	}
	if problem, found := v.problemOf(dittofsv1alpha1.ConditionConfigReady); found {
		return problem
	}
	if problem, found := v.problemOf(dittofsv1alpha1.ConditionReady); found {
		return unknown(problem.reason, "%s", problem.message)
	}
	if problem, found := v.problemOf(conditionAdoption); found {
		return unknown(problem.reason, "Looked at once the server is adopted; Ready says what that waits for.")
	}
	if v.server.Spec.Paused {
		// Nobody looks at Secrets meanwhile.
		if c := meta.FindStatusCondition(v.server.Status.Conditions, dittofsv1alpha1.ConditionConfigReady); c != nil {
			return verdict{c.Status, c.Reason, c.Message}
		}
		return unknown(reasonPaused, "%s", pausedMessage)
	}
	if v.pending != "" {
		return yes(reasonConfigApplied, "The configuration that the pod runs with is in place. A newer one waits for its rollout.")
	}
	if len(v.rewritten) > 0 {
		// Not False: cluster policies that replace, say, image registries do as they should.
		return yes(reasonFieldRewritten,
			"Applied, but something in the cluster changes it on its way in: %s. It is not sent again. Look for a mutating webhook or policy.",
			strings.Join(v.rewritten, "; "))
	}
	return yes(reasonConfigApplied, "The configuration and every Secret that the server reads are in place.")
}

// available says whether the pod is ready. A stopped server is not available, other than a Deployment of no replicas:
// there is one server and nobody can reach it.
func (v view) available() verdict {
	if problem, found := v.problemOf(dittofsv1alpha1.ConditionAvailable); found {
		return problem
	}
	if problem, found := v.problemOf(dittofsv1alpha1.ConditionReady); found {
		return unknown(problem.reason, "%s", problem.message)
	}
	switch {
	case v.server.DeletionTimestamp != nil:
		return no(reasonDeleting, "The server is being deleted.")
	case v.stopped() && v.set != nil && v.set.Status.Replicas > 0:
		return no(reasonStopping, "The pod is stopping, as spec.replicas: 0 asks.")
	case v.stopped():
		return no(reasonStopped, "The server is stopped, as spec.replicas: 0 asks. Its data is kept.")
	case v.set == nil:
		return no(reasonNotCreated, "The StatefulSet does not exist yet.")
	case v.pod == nil:
		return no(reasonPodMissing, "Waiting for the StatefulSet controller to create pod %s.", render.PodName(v.server.Name))
	case podReadySince(v.pod) != nil && v.pod.DeletionTimestamp == nil:
		return yes(reasonPodReady, "Pod %s is ready.", v.pod.Name)
	default:
		reason, message := podState(v.pod)
		return no(reason, "%s", message)
	}
}

const pausedMessage = "Nothing is changed for this server, as spec.paused asks. The pod goes on as it is."

func (v view) progressing() verdict {
	if problem, found := v.problemOf(dittofsv1alpha1.ConditionProgressing); found && v.server.DeletionTimestamp != nil {
		return problem // a part that cannot be deleted
	}
	switch {
	case v.server.DeletionTimestamp != nil:
		return yes(reasonDeleting, "Waiting for %s.", v.waitsFor)
	case v.stopped() && v.set != nil && v.set.Status.Replicas > 0:
		return yes(reasonStopping, "The pod is stopping, as spec.replicas: 0 asks.")
	}
	if problem, found := v.problemOf(dittofsv1alpha1.ConditionProgressing); found {
		return problem
	}
	expanding, growing, _ := v.expanding()
	balancers, _, late, _ := v.balancerVerdict()
	switch {
	case v.server.Spec.Paused:
		return no(reasonPaused, "%s", pausedMessage)
	case v.pending != "":
		return no(reasonRolloutPending, "%s", v.pending)
	case v.held && v.configReady().status == metav1.ConditionFalse:
		return no(reasonBlocked, "The pod and its configuration are kept as they are, until ConfigReady is True.")
	case v.held:
		return no(reasonBlocked, "The pod and its configuration are kept as they are, until the problem that Ready reports is solved.")
	case len(v.problems) > 0 && v.set == nil:
		return no(reasonBlocked, "Nothing can be started before the problem that Ready reports is solved.")
	case v.stopped():
		return no(reasonStopped, "The server is stopped.")
	case v.set == nil:
		return yes(reasonCreating, "The StatefulSet is being created.")
	case v.set.Status.ObservedGeneration == 0:
		return yes(reasonCreating, "Waiting for the StatefulSet controller to see the new StatefulSet.")
	case v.rollingOut():
		return yes(reasonRollingOut, "A changed pod template is on its way to the pod.")
	case v.set.Status.ReadyReplicas < 1:
		return yes(reasonWaitingForPod, "Waiting for the pod to become ready.")
	case growing && expanding.reason == reasonResizingVolumes:
		return yes(expanding.reason, "%s", expanding.message)
	case growing:
		return no(expanding.reason, "%s", expanding.message)
	case balancers != "" && !late:
		return yes(reasonWaitingForBalancer, "%s", balancers)
	default:
		return no(reasonUpToDate, "What the spec asks for is what runs.")
	}
}

// rollingOut is what kubectl rollout status asks, too.
func (v view) rollingOut() bool {
	s := v.set.Status
	return s.ObservedGeneration < v.set.Generation || s.UpdateRevision != s.CurrentRevision || s.UpdatedReplicas < s.Replicas
}
