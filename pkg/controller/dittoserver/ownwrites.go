// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// cacheLag is how soon the cache is looked at again that does not show our own last write.
const cacheLag = 50 * time.Millisecond

// ownWrites remembers the version of each DittoServer after our last write to it, until the cache shows it. A pass over
// the object from before that write would find a status that it thinks is there already, and leave the newer one as it
// is; and the event of a status write calls no pass that could mend it.
type ownWrites struct{ table[string] }

// behind says that the version in the cache is older than our last write.
func (w *ownWrites) behind(server types.NamespacedName, cached string) bool {
	written, ok := w.get(server)
	if !ok {
		return false
	}
	if order, err := resourceversion.CompareResourceVersion(cached, written); err == nil && order < 0 {
		return true
	}
	w.forget(server)
	return false
}
