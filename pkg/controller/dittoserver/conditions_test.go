// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// good is the view of a server with which all is well.
func good() view {
	server := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "files", Generation: 7}}
	dittofsv1alpha1.SetObjectDefaults_DittoServer(server)
	return view{
		server: server, listening: server, now: noon, probing: true,
		set: &appsv1.StatefulSet{
			ObjectMeta: metav1.ObjectMeta{Name: "files", UID: "set", Generation: 2},
			Status:     appsv1.StatefulSetStatus{ObservedGeneration: 2, Replicas: 1, ReadyReplicas: 1, UpdatedReplicas: 1, CurrentRevision: "r", UpdateRevision: "r"},
		},
		pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "files-0", UID: "pod"}, Status: corev1.PodStatus{
			Phase:      corev1.PodRunning,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(noon.Add(-time.Hour))}},
		}},
		dfs: &dfsprobe.Observation{Pod: "pod", Reached: true, DatabaseReachable: true, Database: "reachable", Token: dfsprobe.TokenAccepted,
			LastSuccess: noon, AdaptersKnown: true, Adapters: []dfsprobe.Adapter{{Type: "nfs", Enabled: true, Serving: true}, {Type: "smb", Enabled: true, Serving: true}}},
		volumesKnown: true,
		volumes:      []volume{{name: "metadata", claimName: "metadata-files-0", claim: boundClaim("1Gi", "1Gi")}},
	}
}

func boundClaim(requested, capacity string) *corev1.PersistentVolumeClaim {
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "metadata-files-0", UID: "claim"}}
	claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(requested)}
	claim.Status.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(capacity)}
	claim.Status.Phase = corev1.ClaimBound
	return claim
}

func notReady(v *view, states ...corev1.ContainerStatus) {
	v.pod.Status.Conditions, v.pod.Status.ContainerStatuses = nil, states
	v.set.Status.ReadyReplicas = 0
}

func TestStatus(t *testing.T) {
	const (
		isTrue, isFalse, isUnknown = metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown
		ready, available, progress = dittofsv1alpha1.ConditionReady, dittofsv1alpha1.ConditionAvailable, dittofsv1alpha1.ConditionProgressing
		database, authenticated    = dittofsv1alpha1.ConditionDatabaseReady, dittofsv1alpha1.ConditionAuthenticated
		adapters, config           = dittofsv1alpha1.ConditionAdaptersReady, dittofsv1alpha1.ConditionConfigReady
	)
	type want struct {
		condition string
		status    metav1.ConditionStatus
		reason    string
		says      string
	}
	tests := []struct {
		name   string
		change func(*view)
		phase  dittofsv1alpha1.DittoServerPhase
		want   []want
	}{
		{"all is well", func(*view) {}, dittofsv1alpha1.PhaseRunning, []want{
			{ready, isTrue, reasonServerReady, ""}, {available, isTrue, reasonPodReady, "files-0"}, {progress, isFalse, reasonUpToDate, ""},
			{database, isTrue, reasonDatabaseReachable, ""}, {authenticated, isTrue, reasonTokenAccepted, "files-jwt-secret"},
			{adapters, isTrue, reasonAdaptersServing, "nfs, smb"}, {config, isTrue, reasonConfigApplied, ""}}},
		{"a policy rewrites a field, and the server is ready all the same", func(v *view) { v.rewritten = []string{"StatefulSet files [spec.x]"} },
			dittofsv1alpha1.PhaseRunning, []want{{config, isTrue, reasonFieldRewritten, "spec.x"}, {ready, isTrue, reasonServerReady, ""}}},
		{"a problem makes it fail although dfs is fine", func(v *view) {
			v.problems = []problem{{config, reasonSecretNotFound, "Secret x."}, {available, reasonNameConflict, "Service y."}}
			v.held = true
		}, dittofsv1alpha1.PhaseFailed, []want{{ready, isFalse, reasonSecretNotFound, "Secret x."}, {config, isFalse, reasonSecretNotFound, ""},
			{available, isFalse, reasonNameConflict, "Service y."}, {progress, isFalse, reasonBlocked, "ConfigReady"}}},
		{"two problems of one condition are both told", func(v *view) {
			v.problems = []problem{{config, reasonSecretNotFound, "One."}, {config, reasonSecretTooShort, "Two."}, {config, reasonSecretTooShort, "Two."}}
		}, dittofsv1alpha1.PhaseFailed, []want{{config, isFalse, reasonSecretNotFound, "One. Two."}}},
		{"the StatefulSet does not exist yet", func(v *view) { v.set, v.pod, v.dfs = nil, nil, nil }, dittofsv1alpha1.PhasePending, []want{
			{ready, isFalse, reasonNotCreated, ""}, {progress, isTrue, reasonCreating, ""}, {database, isUnknown, reasonAskingDFS, ""}}},
		{"a changed template is on its way", func(v *view) { v.set.Status.UpdateRevision = "s" }, dittofsv1alpha1.PhasePending, []want{
			{ready, isFalse, reasonRollingOut, ""}, {progress, isTrue, reasonRollingOut, ""}, {available, isTrue, reasonPodReady, ""}}},
		{"the StatefulSet controller has not looked yet", func(v *view) { v.set.Generation = 3 }, dittofsv1alpha1.PhasePending, []want{
			{ready, isFalse, reasonRollingOut, ""}}},
		{"no node fits", func(v *view) {
			notReady(v)
			v.pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/3 nodes"}}
		}, dittofsv1alpha1.PhasePending, []want{{ready, isFalse, reasonPodUnschedulable, "0/3 nodes"}, {progress, isTrue, reasonWaitingForPod, ""}}},
		{"the image cannot be pulled", func(v *view) {
			notReady(v, corev1.ContainerStatus{Name: "dittofs", Image: "x:1", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "not found"}}})
		}, dittofsv1alpha1.PhasePending, []want{{ready, isFalse, reasonImageUnavailable, "x:1"}}},
		{"dfs ends again and again", func(v *view) {
			notReady(v, corev1.ContainerStatus{Name: "dittofs", RestartCount: 4,
				State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
				LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 78}}})
		}, dittofsv1alpha1.PhasePending, []want{{available, isFalse, reasonCrashLooping, "exit code 78, 4 restarts"}}},
		{"the pod runs and dfs loads its shares", func(v *view) { notReady(v, corev1.ContainerStatus{Name: "dittofs"}) },
			dittofsv1alpha1.PhasePending, []want{{available, isFalse, reasonPodStarting, "160 s"}, {database, isTrue, reasonDatabaseReachable, ""}, {adapters, isUnknown, reasonAskingDFS, ""}}},
		{"the pod is ready and nobody has asked dfs", func(v *view) { v.dfs = nil }, dittofsv1alpha1.PhasePending, []want{
			{ready, isFalse, reasonAskingDFS, ""}, {authenticated, isUnknown, reasonAskingDFS, ""}}},
		{"nobody may ask dfs", func(v *view) { v.dfs, v.probing = nil, false }, dittofsv1alpha1.PhasePending, []want{
			{ready, isUnknown, reasonDFSProbeOff, "dfs-probe"}}},
		{"the database is down", func(v *view) { v.dfs.DatabaseReachable, v.dfs.Database = false, "unreachable" }, dittofsv1alpha1.PhasePending, []want{
			{ready, isFalse, reasonDatabaseUnreached, "unreachable"}, {database, isFalse, reasonDatabaseUnreached, "/data/controlplane"}}},
		{"the database behind a Secret is down", func(v *view) {
			v.dfs.DatabaseReachable = false
			v.server.Spec.Database.PostgresSecretRef = &dittofsv1alpha1.SecretReference{Name: "pg"}
		}, dittofsv1alpha1.PhasePending, []want{{database, isFalse, reasonDatabaseUnreached, "Secret pg"}}},
		{"dfs refuses our tokens", func(v *view) { v.dfs.Token, v.dfs.AdaptersKnown = dfsprobe.TokenRefused, false }, dittofsv1alpha1.PhaseFailed, []want{
			{ready, isFalse, reasonJWTSecretMismatch, "rollout restart statefulset files"}, {adapters, isUnknown, reasonAskingDFS, ""}}},
		{"dfs will be restarted with the new secret", func(v *view) { v.dfs.Token, v.dfs.AdaptersKnown = dfsprobe.TokenRestartPending, false },
			dittofsv1alpha1.PhasePending, []want{{ready, isFalse, reasonRestartPending, ""}}},
		{"the clocks differ", func(v *view) { v.dfs.Token, v.dfs.AdaptersKnown = dfsprobe.TokenClockSkew, false }, dittofsv1alpha1.PhaseFailed, []want{
			{authenticated, isFalse, reasonClockSkew, "clock"}}},
		{"an adapter does not serve", func(v *view) { v.dfs.Adapters[1] = dfsprobe.Adapter{Type: "smb", Enabled: true, Detail: "bind"} }, dittofsv1alpha1.PhasePending, []want{
			{ready, isFalse, reasonAdapterNotServing, "smb: bind"}, {adapters, isFalse, reasonAdapterNotServing, ""}}},
		{"no adapter is enabled", func(v *view) { v.dfs.Adapters = nil }, dittofsv1alpha1.PhaseRunning, []want{{adapters, isTrue, reasonNoAdapterEnabled, ""}}},
		{"dfs is silent for a moment", func(v *view) { v.dfs.FailingSince, v.dfs.Failure = noon.Add(-59*time.Second), "no answer in time" },
			dittofsv1alpha1.PhaseRunning, []want{{ready, isTrue, reasonServerReady, ""}}},
		{"dfs is silent for long", func(v *view) {
			v.dfs.FailingSince, v.dfs.Failure, v.dfs.LastSuccess = noon.Add(-time.Minute), "no answer in time", noon.Add(-90*time.Second)
		}, dittofsv1alpha1.PhasePending, []want{{ready, isUnknown, reasonDFSUnreachable, "last answered at 2026-11-01T11:58:30Z: no answer in time"},
			{database, isUnknown, reasonDFSUnreachable, ""}, {available, isTrue, reasonPodReady, ""}}},
		{"dfs has never answered", func(v *view) {
			*v.dfs = dfsprobe.Observation{Pod: "pod", FailingSince: noon.Add(-time.Hour), Failure: "connection refused"}
		}, dittofsv1alpha1.PhasePending, []want{{ready, isUnknown, reasonDFSUnreachable, "has never answered: connection refused"}}},
		{"it is stopping", func(v *view) { v.server.Spec.Replicas = ptr.To[int32](0) }, dittofsv1alpha1.PhasePending, []want{
			{ready, isFalse, reasonStopping, ""}, {progress, isTrue, reasonStopping, ""}, {adapters, isUnknown, reasonStopped, ""}}},
		{"it is deleted", func(v *view) { v.server.DeletionTimestamp, v.waitsFor = ptr.To(metav1.Now()), "Pod files-0 to stop" }, dittofsv1alpha1.PhaseDeleting, []want{
			{ready, isFalse, reasonDeleting, ""}, {progress, isTrue, reasonDeleting, "Pod files-0"}}},
		{"volumes grow while it serves", func(v *view) { v.volumes[0].claim = boundClaim("2Gi", "1Gi") }, dittofsv1alpha1.PhaseRunning, []want{
			{progress, isTrue, reasonResizingVolumes, "metadata-files-0 from 1Gi to 2Gi"}, {ready, isTrue, reasonServerReady, ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := good()
			tt.change(&v)
			status, _ := v.status()
			if status.Phase != tt.phase {
				t.Errorf("phase is %s, want %s", status.Phase, tt.phase)
			}
			if len(status.Conditions) != len(conditionOrder) || status.ObservedGeneration != 7 {
				t.Errorf("status is %+v", status)
			}
			for _, c := range status.Conditions {
				if c.ObservedGeneration != 7 || c.Message == "" || !strings.HasSuffix(c.Message, ".") && c.Reason != reasonPodUnschedulable && c.Reason != reasonImageUnavailable {
					t.Errorf("%s of generation %d says %q", c.Type, c.ObservedGeneration, c.Message)
				}
			}
			for _, w := range tt.want {
				c := meta.FindStatusCondition(status.Conditions, w.condition)
				if c.Status != w.status || c.Reason != w.reason || !strings.Contains(c.Message, w.says) {
					t.Errorf("%s is %s, %s: %s; want %s, %s and %q", w.condition, c.Status, c.Reason, c.Message, w.status, w.reason, w.says)
				}
			}
		})
	}
}

func TestTheEndOfPatienceIsWaitedFor(t *testing.T) {
	v := good()
	v.dfs.FailingSince = noon.Add(-20 * time.Second)
	if _, recheck := v.status(); recheck != 40*time.Second {
		t.Errorf("the next look is in %s", recheck)
	}
}

func TestTheTransitionTimeChangesWithTheStatusOnly(t *testing.T) {
	v := good()
	v.server.Status, _ = v.status()
	v.now = noon.Add(time.Hour)
	v.dfs.Adapters = v.dfs.Adapters[:1] // another message
	status, _ := v.status()
	for _, c := range status.Conditions {
		if !c.LastTransitionTime.Time.Equal(noon) {
			t.Errorf("%s changed at %s", c.Type, c.LastTransitionTime)
		}
	}
}

func TestANewProcessKeepsWhatIsKnownOfTheSamePod(t *testing.T) {
	tests := []struct {
		name     string
		podReady time.Time
		want     metav1.ConditionStatus
	}{
		{"of a pod that has been ready since", noon.Add(-time.Hour), metav1.ConditionTrue},
		{"not of a pod that got ready later", noon.Add(time.Minute), metav1.ConditionFalse},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := good()
			v.server.Status, _ = v.status()
			v.dfs, v.now = nil, noon.Add(time.Hour)
			v.pod.Status.Conditions[0].LastTransitionTime = metav1.NewTime(tt.podReady)
			status, _ := v.status()
			if c := meta.FindStatusCondition(status.Conditions, dittofsv1alpha1.ConditionReady); c.Status != tt.want {
				t.Errorf("Ready is %s, %s", c.Status, c.Reason)
			}
		})
	}
}
