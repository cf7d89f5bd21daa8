// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package supportbundle

import (
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

// withheld stands for a value. Its length helps whoever looks for an empty one or a line break too many.
func withheld(value string) string { return fmt.Sprintf("withheld, %d bytes", len(value)) }

// redact takes out of an object what may hold a secret that somebody wrote there in plain text: literal values of environment
// variables, free configuration, annotations of others, and the copies of all that in metadata.
func redact(object map[string]any) {
	kind, _ := object["kind"].(string)
	if metadata, ok := object["metadata"].(map[string]any); ok {
		delete(metadata, "managedFields")
	}
	switch kind {
	case "ConfigMap":
		// The one of the store is ours alone, and says which store it is.
		if metadata, _ := object["metadata"].(map[string]any); metadata["name"] != storeConfigMap {
			redactData(object)
		}
	case "Secret":
		// Never asked for; this is the second lock.
		withholdAll(object, "data")
		withholdAll(object, "stringData")
	}
	walk(object)
}

// walk goes through an object at any depth: a pod template is in a StatefulSet, and a DittoServer in a class's defaults.
func walk(value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			switch key {
			case "annotations":
				redactAnnotations(child)
			case "env", "extraEnv":
				redactEnv(child)
			case "config":
				v[key] = shape(child)
			case "httpHeaders", "bearerToken", "password", "token":
				v[key] = shape(child)
			default:
				walk(child)
			}
		}
	case []any:
		for _, child := range v {
			walk(child)
		}
	}
}

// ownDomains are whose annotations nobody keeps a secret in.
var ownDomains = []string{"dittofs.io", "kubernetes.io", "k8s.io"}

func redactAnnotations(annotations any) {
	all, ok := annotations.(map[string]any)
	if !ok {
		return
	}
	for key, value := range all {
		domain, _, _ := strings.Cut(key, "/")
		known := false
		for _, own := range ownDomains {
			known = known || domain == own || strings.HasSuffix(domain, "."+own)
		}
		// It is the whole object once more.
		if !known || strings.HasSuffix(key, "/last-applied-configuration") {
			all[key] = shape(value)
		}
	}
}

func redactEnv(env any) {
	list, ok := env.([]any)
	if !ok {
		return
	}
	for _, item := range list {
		if variable, ok := item.(map[string]any); ok {
			if value, ok := variable["value"]; ok {
				variable["value"] = shape(value)
			}
		}
	}
}

// redactData keeps the keys of configuration files, at any depth, and no value.
func redactData(object map[string]any) {
	data, _ := object["data"].(map[string]any)
	for name, content := range data {
		text, _ := content.(string)
		var parsed any
		if err := yaml.Unmarshal([]byte(text), &parsed); err != nil {
			data[name] = withheld(text)
			continue
		}
		data[name] = shape(parsed)
	}
	withholdAll(object, "binaryData")
}

func withholdAll(object map[string]any, field string) {
	if values, ok := object[field].(map[string]any); ok {
		for key, value := range values {
			values[key] = shape(value)
		}
	}
}

// shape keeps keys, lists, numbers and switches, and no text.
func shape(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			v[key] = shape(child)
		}
		return v
	case []any:
		for i, child := range v {
			v[i] = shape(child)
		}
		return v
	case string:
		return withheld(v)
	}
	return value
}
