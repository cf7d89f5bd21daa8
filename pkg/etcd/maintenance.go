// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Member is what one member says of itself.
type Member struct {
	Endpoint string `json:"endpoint"`
	// Error is set if it does not answer, and nothing else then.
	Error   string `json:"error,omitempty"`
	Version string `json:"version,omitempty"`
	Leader  bool   `json:"leader"`
	// Alone is true of a member that knows no leader: it serves no write, and no read that must be up to date.
	Alone bool `json:"alone,omitempty"`
	// Size of the database file, InUse of what it holds, and Quota at which writes are refused, in bytes.
	Size  int64 `json:"sizeBytes"`
	InUse int64 `json:"inUseBytes"`
	Quota int64 `json:"quotaBytes"`
	// Alarms are NOSPACE and CORRUPT. While there is one, etcd refuses writes. Only a quorum can say which there are.
	Alarms []string `json:"alarms"`
}

// ErrNoQuorum is that fewer than a majority of the members are well.
var ErrNoQuorum = errors.New("no member has a leader: fewer than a majority of them are well, and until they are, etcd takes no write")

// Members asks every endpoint of client. Without a quorum, the error is ErrNoQuorum, and what the members say is there all the
// same, but for alarms.
func Members(ctx context.Context, client *clientv3.Client) ([]Member, error) {
	members := make([]Member, 0, len(client.Endpoints()))
	at, led := map[uint64]int{}, false
	for i, endpoint := range client.Endpoints() {
		status, err := statusOf(ctx, client, endpoint)
		if err != nil {
			members = append(members, Member{Endpoint: endpoint, Error: err.Error()})
			continue
		}
		id := status.Header.GetMemberId()
		members = append(members, Member{Endpoint: endpoint, Version: status.Version, Leader: status.Leader == id, Alone: status.Leader == 0,
			Size: status.DbSize, InUse: status.DbSizeInUse, Quota: status.DbSizeQuota})
		at[id], led = i, led || status.Leader != 0
	}
	if !led {
		return members, ErrNoQuorum
	}
	// The quorum may just have been lost, and the client would ask for ever.
	asking, cancel := context.WithTimeout(ctx, 2*memberLimit)
	defer cancel()
	alarms, err := client.AlarmList(asking)
	if err != nil {
		return nil, fmt.Errorf("ask for alarms: %w", err)
	}
	for _, alarm := range alarms.Alarms {
		if i, known := at[alarm.GetMemberID()]; known {
			members[i].Alarms = append(members[i].Alarms, alarm.GetAlarm().String())
		}
	}
	return members, nil
}

// Narrow leaves client one endpoint, whose member it returns: one that answers, with a leader if there is one.
func Narrow(ctx context.Context, client *clientv3.Client) (Member, error) {
	members, err := Members(ctx, client)
	if err != nil && !errors.Is(err, ErrNoQuorum) {
		return Member{}, err
	}
	slices.SortStableFunc(members, func(a, b Member) int { return cmp.Compare(rank(a), rank(b)) })
	if members[0].Error != "" {
		return Member{}, fmt.Errorf("%s does not answer: %s", members[0].Endpoint, members[0].Error)
	}
	client.SetEndpoints(members[0].Endpoint)
	return members[0], nil
}

func rank(m Member) int {
	switch {
	case m.Error != "":
		return 2
	case m.Alone:
		return 1
	}
	return 0
}

// memberLimit is how long a member may take to say how it is. The client would try a member that is lost for ever.
const memberLimit = 5 * time.Second

func statusOf(ctx context.Context, client *clientv3.Client, endpoint string) (*clientv3.StatusResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, memberLimit)
	defer cancel()
	return client.Status(ctx, endpoint)
}

// Defragment gives the free room in the database of each member back to the file system, one after another and the leader
// last. A member answers nothing meanwhile.
func Defragment(ctx context.Context, client *clientv3.Client, done func(before, after Member)) error {
	members, err := Members(ctx, client)
	if err != nil {
		return err
	}
	slices.SortStableFunc(members, func(a, b Member) int {
		switch {
		case a.Leader == b.Leader:
			return 0
		case a.Leader:
			return 1
		}
		return -1
	})
	for _, member := range members {
		if member.Error != "" {
			return fmt.Errorf("%s is not well, so that no member is defragmented from here on: %s", member.Endpoint, member.Error)
		}
		if _, err := client.Defragment(ctx, member.Endpoint); err != nil {
			return fmt.Errorf("defragment %s: %w", member.Endpoint, err)
		}
		status, err := client.Status(ctx, member.Endpoint)
		if err != nil {
			return fmt.Errorf("ask %s after its defragmentation: %w", member.Endpoint, err)
		}
		after := member
		after.Size, after.InUse = status.DbSize, status.DbSizeInUse
		done(member, after)
	}
	return nil
}

// Compact forgets everything but what the store holds now. Whoever reads or watches an older revision begins anew. At its quota,
// etcd refuses the writes that go with the compaction of an API server: then it is for whoever makes room.
func Compact(ctx context.Context, client *clientv3.Client) error {
	now, err := client.Get(ctx, "/", clientv3.WithCountOnly())
	if err != nil {
		return fmt.Errorf("ask for the revision: %w", err)
	}
	_, err = client.Compact(ctx, now.Header.Revision, clientv3.WithCompactPhysical())
	if err != nil && !errors.Is(err, rpctypes.ErrCompacted) {
		return fmt.Errorf("compact up to revision %d: %w", now.Header.Revision, err)
	}
	return nil
}

// DisarmNoSpace lets writes in again after a member had reached its quota. It refuses while one is still at 90 % of it.
func DisarmNoSpace(ctx context.Context, client *clientv3.Client) (disarmed int, err error) {
	members, err := Members(ctx, client)
	if err != nil {
		return 0, err
	}
	for _, m := range members {
		if m.Quota > 0 && m.Size*10 > m.Quota*9 {
			return 0, fmt.Errorf("%s still takes %d of the %d bytes of its quota: raise the quota (--quota-backend-bytes of etcd, --embedded-etcd-quota-bytes here) or delete objects, "+
				"and do this again", m.Endpoint, m.Size, m.Quota)
		}
	}
	alarms, err := client.AlarmList(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask for alarms: %w", err)
	}
	for _, alarm := range alarms.Alarms {
		if alarm.GetAlarm() != etcdserverpb.AlarmType_NOSPACE {
			continue
		}
		if _, err := client.AlarmDisarm(ctx, (*clientv3.AlarmMember)(alarm)); err != nil {
			return disarmed, fmt.Errorf("disarm the alarm of member %x: %w", alarm.GetMemberID(), err)
		}
		disarmed++
	}
	return disarmed, nil
}
