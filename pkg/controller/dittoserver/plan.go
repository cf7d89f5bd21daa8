// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"slices"
	"strings"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
)

// planMemory holds what was last printed of each DittoServer while nothing may be written, so that it is printed once.
type planMemory struct{ table[string] }

func (m *planMemory) log(logger logr.Logger, server types.NamespacedName, why string, plan []string) {
	slices.Sort(plan)
	text := strings.Join(plan, "; ")
	if last, ok := m.get(server); ok && last == text {
		return
	}
	m.put(server, text)
	if text == "" {
		text = "nothing"
	}
	logger.Info("Observing only: this is what would be done", "why", why, "plan", text)
}
