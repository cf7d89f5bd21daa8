// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"regexp"
	"strconv"
	"strings"
)

type version struct{ major, minor int }

func (v *version) before(major, minor int) bool {
	return v.major < major || v.major == major && v.minor < minor
}

var versionTag = regexp.MustCompile(`^v?([0-9]{1,4})\.([0-9]{1,4})(\.|-|$)`)

// imageVersion reads the version of DittoFS from the tag of its image: nil if
// the tag is none. It is moving if the tag is latest, written or meant; a
// digest never is.
func imageVersion(image string) (v *version, moving bool) {
	name, _, pinned := strings.Cut(image, "@")
	_, tag, tagged := strings.Cut(name[strings.LastIndex(name, "/")+1:], ":")
	parts := versionTag.FindStringSubmatch(tag)
	if parts == nil {
		return nil, !pinned && (!tagged || tag == "latest")
	}
	major, _ := strconv.Atoi(parts[1])
	minor, _ := strconv.Atoi(parts[2])
	return &version{major, minor}, false
}
