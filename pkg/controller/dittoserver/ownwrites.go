// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
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

// stale says that the cache shows an older DittoServer than the one that the StatefulSet was rendered from, as that of a
// new leader may for a moment: going by it would undo what its predecessor has done. A store that was put back on purpose
// has an older one as well, so that our API has the last word.
func (p *pass) stale(ctx context.Context) (bool, error) {
	if p.set == nil || !renderedOf(p.set).newerThan(p.server) {
		return false, nil
	}
	var reader client.Reader = p.Servers
	if p.Stored != nil {
		reader = p.Stored
	}
	current := &dittofsv1alpha1.DittoServer{}
	if err := reader.Get(ctx, p.key, current); apierrors.IsNotFound(err) {
		return true, nil // its event is on its way
	} else if err != nil {
		return false, fmt.Errorf("read DittoServer: %w", err)
	}
	return current.UID != p.server.UID || current.Generation != p.server.Generation, nil
}
