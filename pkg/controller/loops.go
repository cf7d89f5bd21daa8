// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dittoserver"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/orphans"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/quota"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/sweeper"
)

// The loops, by the names that --controllers takes.
const (
	loopServers = dittoserver.Name
	loopProbe   = dfsprobe.Name
	loopSweeper = sweeper.Name
	loopQuota   = quota.Name
	loopOrphans = orphans.Name
)

// KnownControllers are the names that --controllers takes.
func KnownControllers() []string {
	return []string{loopServers, loopProbe, loopSweeper, loopQuota, loopOrphans}
}

// ValidateControllers says what is wrong with a value of --controllers.
func ValidateControllers(list []string) error {
	for _, item := range list {
		if name := strings.TrimPrefix(item, "-"); name != "*" && !slices.Contains(KnownControllers(), name) {
			return fmt.Errorf("%q is unknown: want * or one of %s, each with a leading - to switch it off",
				item, strings.Join(KnownControllers(), ", "))
		}
	}
	return nil
}

// enabled says whether a list switches a loop on. What is named wins over the star, and the first naming over a later one.
func enabled(name string, list []string) bool {
	star := false
	for _, item := range list {
		switch item {
		case name:
			return true
		case "-" + name:
			return false
		case "*":
			star = true
		}
	}
	return star
}
