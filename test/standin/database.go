// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// database is what a server wrote. It outlives pods: it belongs to the volume or the PostgreSQL database that it is in.
type database struct {
	key string

	mu              sync.Mutex // held for the time of one request or one start
	users           []*user
	groups          []string
	adapters        []*adapterRow
	settings        []*settingRow
	metadata        []*storeRow
	blocks          []*storeRow
	shares          []*shareRow
	policies        []*policyRow
	ldapRow         *ldapConfig     // nil: never stored
	kerberosRow     *kerberosConfig // nil: never stored
	nfs, smb        map[string]any  // adapter settings
	settingsVersion map[string]int  // of the adapter settings, by adapter type
}

func newDatabase(key string) *database {
	return &database{key: key, settingsVersion: map[string]int{}}
}

type user struct {
	ID          string
	Username    string
	DisplayName string
	Email       string
	Role        string
	UID, GID    *uint32
	Groups      []string
	Enabled     bool
	MustChange  bool
	Hash        []byte
	CreatedAt   time.Time
	LastLogin   *time.Time
}

type adapterRow struct {
	ID                   string
	Type                 string
	Enabled              bool
	Port                 int
	Config               map[string]any
	CreatedAt, UpdatedAt time.Time
}

type settingRow struct {
	Key, Value string
	UpdatedAt  time.Time
}

type storeRow struct {
	ID, Name, Kind, Type string
	Config               map[string]any
	CreatedAt            time.Time
}

// findUser finds by name first, then by id, as dfs addresses everything.
func (d *database) findUser(ref string) *user {
	return find(d.users, func(u *user) bool { return u.Username == ref }, func(u *user) bool { return u.ID == ref })
}

func (d *database) findAdapter(adapterType string) *adapterRow {
	return find(d.adapters, func(a *adapterRow) bool { return a.Type == adapterType })
}

func (d *database) findShare(ref string) *shareRow {
	name := normalizeShare(ref)
	return find(d.shares, func(s *shareRow) bool { return s.Name == name }, func(s *shareRow) bool { return s.ID == ref })
}

func (d *database) findPolicy(share string) *policyRow {
	return find(d.policies, func(p *policyRow) bool { return p.Share == share })
}

func (d *database) findMetadataStore(ref string) *storeRow {
	return find(d.metadata, func(s *storeRow) bool { return s.Name == ref }, func(s *storeRow) bool { return s.ID == ref })
}

func (d *database) findBlockStore(kind, ref string) *storeRow {
	return find(d.blocks,
		func(s *storeRow) bool { return s.Kind == kind && s.Name == ref },
		func(s *storeRow) bool { return s.Kind == kind && s.ID == ref })
}

func (d *database) setting(key string) string {
	if row := find(d.settings, func(s *settingRow) bool { return s.Key == key }); row != nil {
		return row.Value
	}
	return ""
}

func (d *database) setSetting(key, value string, now time.Time) {
	if row := find(d.settings, func(s *settingRow) bool { return s.Key == key }); row != nil {
		row.Value, row.UpdatedAt = value, now
		return
	}
	d.settings = append(d.settings, &settingRow{key, value, now})
}

func (d *database) deleteSetting(key string) {
	d.settings = slices.DeleteFunc(d.settings, func(s *settingRow) bool { return s.Key == key })
}

// find returns the first row that the first of the given tests accepts, else the second, and so on.
func find[T any](rows []*T, tests ...func(*T) bool) *T {
	for _, test := range tests {
		for _, row := range rows {
			if test(row) {
				return row
			}
		}
	}
	return nil
}

// normalizeShare gives a share name exactly one leading slash.
func normalizeShare(name string) string { return "/" + strings.TrimLeft(name, "/") }
