// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

var (
	snapshotIntervals = durationRange{min: time.Minute, example: "24h, or @hourly, @daily or @weekly"}
	snapshotPrefix    = regexp.MustCompile(`^[A-Za-z0-9_-]{0,64}$`)
)

func validateSnapshotPolicies(policies []dittofsv1alpha1.SnapshotPolicy, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]int{}
	for i := range policies {
		policy, at := &policies[i], path.Index(i)
		errs = append(errs, validateShare(policy.Share, at.Child("share"))...)
		// dfs takes /projects and projects for one share; the same spelling twice
		// is the tag's to refuse.
		share := strings.TrimPrefix(policy.Share, "/")
		if first, ok := seen[share]; ok && policies[first].Share != policy.Share {
			errs = append(errs, field.Duplicate(at.Child("share"), policy.Share))
		} else if !ok {
			seen[share] = i
		}
		if policy.Interval != "" && !slices.Contains([]string{"@hourly", "@daily", "@weekly"}, policy.Interval) {
			errs = append(errs, snapshotIntervals.check(policy.Interval, at.Child("interval"))...)
		}
		if policy.TTL != "" {
			if ttl, err := time.ParseDuration(policy.TTL); err != nil || ttl < 0 {
				errs = append(errs, field.Invalid(at.Child("ttl"), policy.TTL, "must be a Go duration that is not negative, for example 720h; leave it out to keep snapshots for ever"))
			}
		}
		if !snapshotPrefix.MatchString(policy.NamePrefix) {
			errs = append(errs, field.Invalid(at.Child("namePrefix"), policy.NamePrefix, "must be up to 64 letters, digits, '_' and '-'"))
		}
	}
	return errs
}

// validateShare knows the names that a share can be served under: dfs stores
// others too, and then loads no such share.
func validateShare(share string, path *field.Path) field.ErrorList {
	if share == "" {
		return nil
	}
	name := strings.TrimPrefix(share, "/")
	bad := name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/:") ||
		strings.ContainsFunc(name, unicode.IsControl) || strings.TrimSpace(name) != name
	if bad {
		return field.ErrorList{field.Invalid(path, share, "must be the name of a share: one path segment without '/' and ':', with or without a leading slash, for example /projects")}
	}
	return nil
}
