// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package podfields

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ourPaths leads from a field of the PodTemplate to the field of ours that it
// was made from.
var ourPaths = []struct{ host, ours string }{
	{"template.labels", "spec.podLabels"},
	{"template.annotations", "spec.podAnnotations"},
	{"template.spec.containers[0].env", "spec.extraEnv"},
	{"template.spec.containers[0].volumeMounts", "spec.extraVolumeMounts"},
	{"template.spec.containers[0].resources", "spec.resources"},
	{"template.spec.containers[0].securityContext", "spec.securityContext"},
	{"template.spec.containers[0].imagePullPolicy", "spec.imagePullPolicy"},
	{"template.spec.containers[0].image", "spec.image"},
	{"template.spec.volumes", "spec.extraVolumes"},
	{"template.spec.securityContext", "spec.podSecurityContext"},
	{"template.spec.imagePullSecrets", "spec.imagePullSecrets"},
	{"template.spec.serviceAccountName", "spec.serviceAccountName"},
	{"template.spec.priorityClassName", "spec.priorityClassName"},
	{"template.spec.nodeSelector", "spec.nodeSelector"},
	{"template.spec.tolerations", "spec.tolerations"},
	{"template.spec.affinity", "spec.affinity"},
	{"template.spec.topologySpreadConstraints", "spec.topologySpreadConstraints"},
}

// ourCauses words nothing anew but the paths. What a later Kubernetes says of a
// field that is none of ours is put to the spec, with its own path in the text.
func ourCauses(causes []metav1.StatusCause) []metav1.StatusCause {
	ours := make([]metav1.StatusCause, 0, len(causes))
	for _, cause := range causes {
		if path, ok := ourPath(cause.Field); ok {
			cause.Field = path
		} else {
			cause.Field, cause.Message = "spec", "in the pod, "+cause.Field+": "+cause.Message
		}
		ours = append(ours, cause)
	}
	return ours
}

func ourPath(host string) (string, bool) {
	for _, path := range ourPaths {
		rest, ok := strings.CutPrefix(host, path.host)
		// A path ends where its field does: "image" is not "imagePullPolicy".
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return path.ours + rest, true
		}
	}
	return "", false
}
