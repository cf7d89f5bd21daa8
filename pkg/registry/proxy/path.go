// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// segmentForm is what a segment may look like: nothing that a server between us and dfs, or dfs itself, could decode once
// more or take for something else. Whatever has another name in dfs has a UUID, too. The path arrives decoded, so that a
// name with %2F in it arrives as two segments, and neither the aggregator nor our own server clean it.
var segmentForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@:-]{0,254}$`)

var errEmptySegment = apierrors.NewBadRequest("the path has an empty segment: two slashes, or one at its end")

// splitPath returns the segments of a path, each of them good as it is.
func splitPath(path string) ([]string, error) {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for _, segment := range segments {
		switch {
		case segmentForm.MatchString(segment):
		case segment == "" && len(segments) == 1:
			return nil, apierrors.NewBadRequest("the path of the dfs API is missing after proxy, for example proxy/api/v1/adapters")
		case segment == "":
			return nil, errEmptySegment
		default:
			return nil, apierrors.NewBadRequest(fmt.Sprintf(
				"the segment %.64q of the path may have letters, digits and _ . @ : - only, and not begin with a dot: use the UUID of what has such a name, or of a share whose name has a slash", segment))
		}
	}
	return segments, nil
}

// ofKubernetes are parameters that clients of Kubernetes add by themselves. They are for our API, not for dfs.
var ofKubernetes = []string{"timeout", "pretty", "path"}

// passQuery returns the part of a query that a route takes.
func passQuery(raw string, takes []string) (url.Values, error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		// A semicolon, which some servers take for an ampersand, is an error, too.
		return nil, apierrors.NewBadRequest("the query cannot be read")
	}
	passed := url.Values{}
	for name, values := range query {
		switch {
		case slices.Contains(takes, name):
			if len(values) > 1 {
				return nil, apierrors.NewBadRequest(fmt.Sprintf("the query has %s more than once", name))
			}
			passed[name] = values
		case !slices.Contains(ofKubernetes, name):
			return nil, apierrors.NewBadRequest(fmt.Sprintf("the query parameter %.64q is not passed on to this path; %s", name, oneOf(takes)))
		}
	}
	return passed, nil
}

func oneOf(takes []string) string {
	if len(takes) == 0 {
		return "it takes none"
	}
	return "it takes " + strings.Join(takes, ", ")
}
