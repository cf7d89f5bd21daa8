// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// LogLevel is the least severe level that dfs logs.
// +enum
// +k8s:enum
type LogLevel string

const (
	// LogDebug logs everything, health checks included.
	LogDebug LogLevel = "DEBUG"
	// LogInfo logs requests and changes of state.
	LogInfo LogLevel = "INFO"
	// LogWarn logs what needs attention.
	LogWarn LogLevel = "WARN"
	// LogError logs failures only.
	LogError LogLevel = "ERROR"
)

// LogFormat is how a log line looks.
// +enum
// +k8s:enum
type LogFormat string

const (
	// LogText is one readable line for each entry.
	LogText LogFormat = "text"
	// LogJSON is one JSON object for each entry.
	LogJSON LogFormat = "json"
)

// LoggingSpec is what dfs writes to its log.
type LoggingSpec struct {
	// level is DEBUG, INFO, WARN or ERROR. Default INFO.
	// +optional
	// +default="INFO"
	// +k8s:optional
	Level LogLevel `json:"level,omitempty"`

	// format is text or json. Default json.
	// +optional
	// +default="json"
	// +k8s:optional
	Format LogFormat `json:"format,omitempty"`

	// output is stdout, stderr or a file on a volume that is not the database,
	// for example /data/controlplane/dfs.log. Default stdout: kubectl logs shows nothing of a file.
	// +optional
	// +default="stdout"
	// +k8s:optional
	Output string `json:"output,omitempty"`
}
