// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

// termCache is a cache that nobody waits for once its term is over. A manager that is stopped before its caches are filled, as
// while the store is away, waits for them for ever, and keeps a processor busy with it (controller-runtime#3440).
type termCache struct {
	cache.Cache
	term context.Context
}

// newTermCache makes the caches of a term.
func newTermCache(term context.Context) cache.NewCacheFunc {
	return func(config *rest.Config, options cache.Options) (cache.Cache, error) {
		filled, err := cache.New(config, options)
		return termCache{filled, term}, err
	}
}

// WaitForCacheSync comes back when the cache is filled, or when nobody needs it any more.
func (c termCache) WaitForCacheSync(ctx context.Context) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.term, cancel)()
	return c.Cache.WaitForCacheSync(ctx) || c.term.Err() != nil
}
