// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"slices"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

// settingsEvery is how many rounds the settings of the adapters are believed while nothing else changes.
const settingsEvery = 10

// observeAdapters follows the answer of the server, an empty list too. Of an NFS adapter whose settings were never read
// nothing is told: its ports would seem to have gone.
func (v *visit) observeAdapters(ctx context.Context, listed []dfs.Adapter) error {
	seen := adaptersOf(listed)
	nfs := slices.IndexFunc(seen, func(a Adapter) bool { return a.Type == dfs.AdapterNFS })
	if nfs >= 0 {
		if err := v.readSettings(ctx, seen); err != nil && v.st.nfs == nil {
			return err
		}
	}
	v.st.adapters = slices.Clone(seen)
	if nfs >= 0 {
		settings := v.st.nfs
		if settings.PortmapperEnabled && settings.PortmapperPort > 0 && settings.PortmapperPort <= 65535 {
			seen[nfs].PortmapperPort = settings.PortmapperPort
		}
		seen[nfs].UDP = settings.UDPEnabled
	}
	v.o.AdaptersKnown, v.o.Adapters = true, seen
	return nil
}

// readSettings reads the settings of NFS if they may have changed: when it was switched or moved, and now and then.
func (v *visit) readSettings(ctx context.Context, seen []Adapter) error {
	if v.st.nfs != nil && slices.Equal(seen, v.st.adapters) && v.st.rounds < settingsEvery {
		v.st.rounds++
		return nil
	}
	settings, err := v.st.api.NFSSettings(ctx)
	if dfs.IsNotFound(err) {
		// Another version of dfs: no portmapper that anybody could ask about.
		settings, err = dfs.NFSSettings{}, nil
	}
	if err != nil {
		return err
	}
	v.st.nfs, v.st.rounds = &settings, 1
	return nil
}

func adaptersOf(listed []dfs.Adapter) []Adapter {
	out := make([]Adapter, 0, len(listed))
	for _, a := range listed {
		seen := Adapter{Type: a.Type, Enabled: a.Enabled, Serving: a.Enabled && a.Healthy(), Port: a.Port}
		if a.Enabled && !seen.Serving {
			seen.Detail = a.Status.Message
			if seen.Detail == "" && a.Running {
				seen.Detail = "it says " + a.Status.Status
			} else if seen.Detail == "" {
				seen.Detail = "it does not run"
			}
		}
		out = append(out, seen)
	}
	return out
}
