// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"regexp"
	"strings"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// object is an object of the API, or a part of one.
type object = map[string]any

// kind is what a behaviour has to know of a kind of the API.
type kind struct {
	name, resource, apiVersion string
	// root is the path of the group and version.
	root string
	// payload is the least that is valid, besides metadata.
	payload func() object
	// field is a string that can be set to both values.
	field  []string
	values [2]string
	// volumes is a list of core/v1 volumes, merged by name.
	volumes []string
}

var (
	dittoServer = &kind{
		name: "DittoServer", resource: "dittoservers", apiVersion: "dittofs.io/v1alpha1", root: "/apis/dittofs.io/v1alpha1",
		payload: func() object {
			return object{"spec": object{"storage": object{"metadataSize": "1Gi"}, "image": "example/dfs:v1"}}
		},
		field: []string{"spec", "image"}, values: [2]string{"example/dfs:v1", "example/dfs:v2"},
		volumes: []string{"spec", "extraVolumes"},
	}
	configMap = &kind{
		name: "ConfigMap", resource: "configmaps", apiVersion: "v1", root: "/api/v1",
		payload: func() object { return object{"data": object{"color": "color-one"}} },
		field:   []string{"data", "color"}, values: [2]string{"color-one", "color-two"},
	}
	deployment = &kind{
		name: "Deployment", resource: "deployments", apiVersion: "apps/v1", root: "/apis/apps/v1",
		payload: func() object {
			labels := object{"app": "web"}
			return object{"spec": object{"selector": object{"matchLabels": labels}, "template": object{
				"metadata": object{"labels": labels},
				"spec": object{
					"schedulerName": "scheduler-one",
					"containers":    []any{object{"name": "web", "image": "example/web:v1"}},
				},
			}}}
		},
		field: []string{"spec", "template", "spec", "schedulerName"}, values: [2]string{"scheduler-one", "scheduler-two"},
		volumes: []string{"spec", "template", "spec", "volumes"},
	}
)

// set puts a value at a path, making objects on the way.
func set(target object, value any, path ...string) {
	for _, key := range path[:len(path)-1] {
		next, ok := target[key].(object)
		if !ok {
			next = object{}
			target[key] = next
		}
		target = next
	}
	target[path[len(path)-1]] = value
}

// lookup is what is at a path, or nil.
func lookup(target any, path ...string) any {
	for _, key := range path {
		node, ok := target.(object)
		if !ok {
			return nil
		}
		target = node[key]
	}
	return target
}

// pointer is a path as JSON patch writes it.
func pointer(path []string) string { return "/" + strings.Join(path, "/") }

// ownRecords takes away what our server adds to each object for itself. The behaviour "a create adds nothing" lists it.
func ownRecords(meta object) {
	// A ConfigMap has none.
	delete(meta, "generation")
	var others []any
	finalizers, _ := meta["finalizers"].([]any)
	for _, finalizer := range finalizers {
		if finalizer != dittofsv1alpha1.Finalizer {
			others = append(others, finalizer)
		}
	}
	delete(meta, "finalizers")
	if len(others) > 0 {
		meta["finalizers"] = others
	}
	if annotations, ok := meta["annotations"].(object); ok {
		delete(annotations, dittofsv1alpha1.AnnotationNamespaceUID)
		delete(annotations, dittofsv1alpha1.AnnotationDeletionPropagation)
		if len(annotations) == 0 {
			delete(meta, "annotations")
		}
	}
}

// moments are what no two answers have in common, and what names the group or the version in a message.
var moments = []struct {
	pattern *regexp.Regexp
	plain   string
}{
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "UID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`), "TIME"},
	{regexp.MustCompile(`resource version: \d+ \(\d+\)`), "resource version: N (N)"},
	{regexp.MustCompile(`\d{2,}`), "N"},
	{regexp.MustCompile(`(in|for) version '[^']*'`), "$1 version 'VERSION'"},
	{regexp.MustCompile(`API group '[^']*'`), "API group 'GROUP'"},
	{regexp.MustCompile(`/registry/([a-z.]+/)?RESOURCE/`), "/registry/RESOURCE/"},
	{regexp.MustCompile(`using [a-z0-9./]+`), "using VERSION"},
	{regexp.MustCompile(`(type: |; )[A-Za-z0-9./]+, Kind`), "${1}VERSION, Kind"},
	// The name of a Go package.
	{regexp.MustCompile(`\*\w+\.KIND`), "*KIND"},
	// The encodings of refusals: a behaviour of its own tells of protobuf.
	{regexp.MustCompile(`, application/vnd\.kubernetes\.protobuf`), ""},
}

// plain replaces what is of one kind, one namespace or one moment in a text.
func (s *session) plain(text string) string {
	group, _, grouped := strings.Cut(s.kind.apiVersion, "/")
	replace := []string{s.namespace, "NAMESPACE"}
	if grouped {
		replace = append(replace, s.kind.resource+"."+group, "RESOURCE", s.kind.name+"."+group, "KIND")
	}
	replace = append(replace, s.kind.apiVersion+", Kind="+s.kind.name, "GROUP/VERSION, Kind=KIND",
		s.kind.resource, "RESOURCE", s.kind.name, "KIND",
		strings.Join(s.kind.field, "."), "FIELD", s.kind.values[0], "VALUE1", s.kind.values[1], "VALUE2")
	text = strings.NewReplacer(replace...).Replace(text)
	for _, moment := range moments {
		text = moment.pattern.ReplaceAllString(text, moment.plain)
	}
	return text
}
