// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

const scheme = "s3://"

// Location is an object, or the prefix of some, in a bucket.
type Location struct{ Bucket, Key string }

// Names reports whether where is meant to name a place in a bucket, and no file.
func Names(where string) bool { return strings.HasPrefix(where, scheme) }

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// Parse reads s3://BUCKET/KEY. The key may be empty.
func Parse(where string) (Location, error) {
	rest, ok := strings.CutPrefix(where, scheme)
	if !ok {
		return Location{}, fmt.Errorf("%q: must be s3://BUCKET/KEY", where)
	}
	name, key, _ := strings.Cut(rest, "/")
	if strings.Contains(name, "@") {
		// Not repeated here: it would be in a log.
		return Location{}, errors.New("an s3:// URL has no credentials in it: give them by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or by a role")
	}
	if !bucketName.MatchString(name) {
		return Location{}, fmt.Errorf("%q: %q is no name of a bucket, in which there are 3 to 63 lowercase letters, digits, '-' and '.'", where, name)
	}
	if strings.ContainsAny(key, "?#") || strings.Contains("/"+key, "//") {
		return Location{}, fmt.Errorf("%q: the key must have no '?', '#' and no empty part", where)
	}
	return Location{name, key}, nil
}

func (l Location) String() string { return scheme + l.Bucket + "/" + l.Key }

// Below is the place of a name below a prefix.
func (l Location) Below(name string) Location {
	if l.Key == "" || strings.HasSuffix(l.Key, "/") {
		return Location{l.Bucket, l.Key + name}
	}
	return Location{l.Bucket, l.Key + "/" + name}
}
