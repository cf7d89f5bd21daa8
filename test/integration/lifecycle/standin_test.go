// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"testing"

	"github.com/dittofs/dittofs-apiserver/test/standin"
)

func (s subject) breakDFS(t *testing.T, fault standin.Fault) { t.Helper(); s.on().BreakDFS(t, fault) }

func (s subject) mendDFS(t *testing.T) { t.Helper(); s.on().MendDFS(t) }
