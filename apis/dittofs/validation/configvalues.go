// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// configValue tells whether the loader of dfs takes a value as its author means
// it. The loader is lax (a bare number is nanoseconds, -5 wraps around), so
// these are stricter.
type configValue struct {
	form string // what is accepted, to follow "must be"
	ok   func(value any) bool
}

var (
	boolean = configValue{"true or false", func(value any) bool { _, ok := value.(bool); return ok }}

	bytesSize = configValue{"a number of bytes as a plain integer, for example 1073741824", func(value any) bool {
		number, ok := value.(json.Number)
		if !ok {
			return false
		}
		_, err := strconv.ParseUint(number.String(), 10, 64)
		return err == nil
	}}

	ratio = configValue{"a number from 0 to 1", func(value any) bool {
		number, ok := value.(json.Number)
		if !ok {
			return false
		}
		f, err := number.Float64()
		return err == nil && f >= 0 && f <= 1
	}}

	count  = integer(0)
	unixID = integer(math.MaxUint32)

	duration = configValue{"a duration with a unit that is not negative, for example 30m (dfs takes a bare number for nanoseconds)", func(value any) bool {
		d, ok := parseDuration(value)
		return ok && d >= 0
	}}

	staticMap = configValue{"an object of names, each with uid, gid and if wanted gids, for example {alice: {uid: 1000, gid: 1000}}", isStaticMap}
)

// integer accepts plain integers from 0 to a highest, or without one if it is 0.
func integer(highest int64) configValue {
	form := "an integer of at least 0"
	if highest != 0 {
		form = fmt.Sprintf("an integer of 0 to %d", highest)
	}
	return configValue{form, func(value any) bool {
		number, ok := value.(json.Number)
		if !ok {
			return false
		}
		i, err := strconv.ParseInt(number.String(), 10, 64)
		return err == nil && i >= 0 && (highest == 0 || i <= highest)
	}}
}

func durationOrZero(low time.Duration) configValue {
	return configValue{"0s, or a duration with a unit of at least " + shortDuration(low) + ", for example 30m (dfs takes a bare number for nanoseconds)", func(value any) bool {
		d, ok := parseDuration(value)
		return ok && (d == 0 || d >= low)
	}}
}

func parseDuration(value any) (time.Duration, bool) {
	text, ok := value.(string)
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}

func oneOf(words ...string) configValue {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = strconv.Quote(word)
	}
	return configValue{"the text " + strings.Join(quoted, " or "), func(value any) bool {
		text, ok := value.(string)
		return ok && slices.Contains(words, text)
	}}
}

func isStaticMap(value any) bool {
	users, ok := value.(map[string]any)
	if !ok {
		return false
	}
	for _, user := range users {
		ids, ok := user.(map[string]any)
		// Without a number dfs takes 0 for it, which is root.
		if !ok || ids["uid"] == nil || ids["gid"] == nil {
			return false
		}
		for _, key := range slices.Sorted(maps.Keys(ids)) {
			switch list, isList := ids[key].([]any); key {
			case "uid", "gid":
				ok = unixID.ok(ids[key])
			case "gids":
				ok = isList && !slices.ContainsFunc(list, func(id any) bool { return !unixID.ok(id) })
			default:
				ok = false
			}
			if !ok {
				return false
			}
		}
	}
	return true
}
