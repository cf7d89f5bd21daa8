// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// summary is an answer in few words: the code and the reason of a refusal, or what came.
func (s *session) summary(a answer) string {
	return fmt.Sprintf("%d %s", a.code, s.what(a))
}

func (s *session) what(a answer) string {
	kind, _ := a.json["kind"].(string)
	switch {
	case a.json == nil && len(a.body) == 0:
		return "nothing"
	case a.json == nil && a.code >= http.StatusBadRequest:
		return "refused"
	case a.json == nil:
		mediaType, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
		return mediaType
	case kind == "Status" && a.json["status"] == "Success":
		return "Success"
	case kind == "Status":
		if reason, _ := a.json["reason"].(string); reason != "" {
			return reason
		}
		return "without a reason"
	case kind == s.kind.name:
		return "the object"
	case kind == s.kind.name+"List" || kind == "PartialObjectMetadataList":
		return strings.Replace(kind, s.kind.name+"List", "a list", 1) + " of " + strings.Join(names(a.json), ",")
	case kind == "Table":
		rows, _ := a.json["rows"].([]any)
		return fmt.Sprintf("a Table of %d", len(rows))
	}
	return kind
}

// names are those of the items of a list.
func names(list object) []string {
	found := []string{}
	items, _ := list["items"].([]any)
	for _, item := range items {
		found = append(found, fmt.Sprint(lookup(item, "metadata", "name")))
	}
	if len(found) == 0 {
		return []string{"none"}
	}
	return found
}

// shape is what clients can see of an answer, without what is of its kind and its moment.
func (s *session) shape(a answer) string {
	mediaType, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	if a.json == nil {
		if mediaType == "text/plain" {
			return mediaType + " " + s.plain(string(a.body))
		}
		return mediaType
	}
	switch a.json["kind"] {
	case "Status":
		return mediaType + " " + s.statusShape(a.json)
	case "Table":
		return mediaType + " " + s.tableShape(a.json)
	}
	return mediaType + " " + s.objectShape(a.json)
}

func (s *session) statusShape(status object) string {
	status = maps.Clone(status)
	if status["apiVersion"] == "v1" {
		delete(status, "apiVersion") // as it is, whatever the version of the kind
	}
	if details, ok := status["details"].(object); ok {
		// The core group has no name.
		delete(details, "group")
	}
	data, err := json.Marshal(status)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.plain(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\"`, "'").Replace(string(data)))
}

func (s *session) objectShape(target object) string {
	meta, _ := target["metadata"].(object)
	shape := fmt.Sprintf("%v %v metadata(%s)", target["apiVersion"], target["kind"], s.metaShape(meta))
	items, _ := target["items"].([]any)
	for _, item := range items {
		node, _ := item.(object)
		meta, _ := node["metadata"].(object)
		shape += fmt.Sprintf(" item %v %v(%s)", node["apiVersion"], node["kind"], s.metaShape(meta))
	}
	shape = strings.ReplaceAll(shape, fmt.Sprintf("%s %s", s.kind.apiVersion, s.kind.name), "GROUP/VERSION KIND")
	return s.plain(shape)
}

// metaShape names the fields of metadata and who manages the object.
func (s *session) metaShape(meta object) string {
	meta = maps.Clone(meta)
	if annotations, ok := meta["annotations"].(object); ok {
		meta["annotations"] = maps.Clone(annotations)
	}
	ownRecords(meta)
	fields := slices.Sorted(maps.Keys(meta))
	if managers := managersOf(meta); len(managers) > 0 {
		fields = append(fields, strings.Join(managers, ","))
	}
	return strings.Join(fields, " ")
}

func managersOf(meta object) []string {
	var managers []string
	entries, _ := meta["managedFields"].([]any)
	for _, entry := range entries {
		node := entry.(object)
		if node["subresource"] == "finalize" {
			continue // made by release
		}
		text := fmt.Sprintf("%v:%v", node["manager"], node["operation"])
		if subresource, ok := node["subresource"]; ok {
			text += fmt.Sprintf(":%v", subresource)
		}
		managers = append(managers, text)
	}
	slices.Sort(managers)
	return managers
}

func (s *session) tableShape(table object) string {
	meta, _ := table["metadata"].(object)
	shape := fmt.Sprintf("%v metadata(%s)", table["apiVersion"], s.metaShape(meta))
	columns, _ := table["columnDefinitions"].([]any)
	if len(columns) > 0 {
		first := columns[0].(object)
		shape += fmt.Sprintf(" columns %v %v %v %v", first["name"], first["type"], first["format"], slices.Sorted(maps.Keys(first)))
	}
	rows, _ := table["rows"].([]any)
	for _, row := range rows {
		node := row.(object)
		cells, _ := node["cells"].([]any)
		object, _ := node["object"].(object)
		meta, _ := object["metadata"].(map[string]any)
		shape += fmt.Sprintf(" row %v %v(%s)", cells[0], object["kind"], s.metaShape(meta))
	}
	return s.plain(shape)
}
