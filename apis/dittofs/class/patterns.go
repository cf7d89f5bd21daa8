// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package class

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

func matchesAny(patterns []string, value string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, value) })
}

// matches compares the whole value with a pattern in which a star stands for any
// number of characters. Taking the first place for each part is enough: the rest
// is never shorter for a later one.
func matches(pattern, value string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == value
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(value, first) {
		return false
	}
	value = value[len(first):]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(value, part)
		if i < 0 {
			return false
		}
		value = value[i+len(part):]
	}
	return strings.HasSuffix(value, last)
}

// within tells whether a network lies in one of others. What is no network lies in none.
func within(networks []string, cidr string) bool {
	inner, err := netip.ParsePrefix(cidr)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(networks, func(network string) bool {
		outer, err := netip.ParsePrefix(network)
		return err == nil && outer.Bits() <= inner.Bits() && outer.Masked().Contains(inner.Addr())
	})
}

// everybody tells whether a network is all addresses.
func everybody(cidr string) bool {
	prefix, err := netip.ParsePrefix(cidr)
	return err == nil && prefix.Bits() == 0
}

// maxListed is how many values a message lists.
const maxListed = 10

// list is for messages.
func list(values []string) string {
	if len(values) == 0 {
		return "none"
	}
	if more := len(values) - maxListed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(values[:maxListed], ", "), more)
	}
	return strings.Join(values, ", ")
}

func sorted[V any](values map[string]V) []string { return slices.Sorted(maps.Keys(values)) }
