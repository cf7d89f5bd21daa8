// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// The fields that name a file which dfs writes.
var (
	sqlitePath = field.NewPath("spec", "database", "sqlite", "path")
	outputPath = field.NewPath("spec", "logging", "output")
)

// volumeOf is the volume of the spec that a file is on; nil if there is none. Everything else in the file system of the
// container is read-only, or gone after a restart.
func volumeOf(server *v1alpha1.DittoServer, file string) *claim {
	for _, c := range claims(server) {
		if path.IsAbs(file) && strings.HasPrefix(path.Clean(file), c.mountPath+"/") {
			return &c
		}
	}
	return nil
}

func volumeList(volumes []claim) string {
	var paths []string
	for _, c := range volumes {
		paths = append(paths, "under "+c.mountPath)
	}
	return strings.Join(paths, " or ")
}

// fileWithoutVolume finds a file on a volume that the spec has and the pod does not have yet: the content volume that comes
// later. volumes are those that the pod has.
func fileWithoutVolume(server *v1alpha1.DittoServer, volumes map[string]bool) *field.Error {
	type named struct {
		at   *field.Path
		file string
	}
	files := []named{{outputPath, server.Spec.Logging.Output}}
	if database, err := databaseConfig(server); err == nil && database.SQLite != nil {
		files = append(files, named{sqlitePath, database.SQLite.Path})
	}
	there := slices.DeleteFunc(claims(server), func(c claim) bool { return !volumes[c.volume] })
	for _, f := range files {
		if c := volumeOf(server, f.file); c != nil && !volumes[c.volume] {
			return field.Invalid(f.at, f.file,
				"is on the volume "+c.volume+", which the pod does not have yet; until it has, the file must be "+volumeList(there))
		}
	}
	return nil
}
