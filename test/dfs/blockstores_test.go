// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// localCap is the most that dfs keeps of a share on the content volume.
func (s *server) localCap(share string) int64 {
	s.t.Helper()
	var answer struct {
		PerShare []struct {
			ShareName string `json:"share_name"`
			Stats     struct {
				LocalDiskMax int64 `json:"local_disk_max"`
			} `json:"stats"`
		} `json:"per_share"`
	}
	text := s.ask("GET", "/shares/"+share+"/blockstore/stats", nil)
	s.must(json.Unmarshal(text, &answer))
	if len(answer.PerShare) != 1 {
		s.t.Fatalf("stats of %s: %s", share, text)
	}
	return answer.PerShare[0].Stats.LocalDiskMax
}

func TestHowMuchOfTheContentVolumeAShareMayFill(t *testing.T) {
	proves(t, "default_remote_cache_size as rendered (80 % of contentSize at creation) caps shares with a remote; local_store_size wins; a share without a remote is capped by memory; growth changes nothing")
	const gib = 1 << 30
	s := newServer(t)
	s.object.Spec.Storage.ContentSize = ptr.To(resource.MustParse("100Gi"))
	s.start()
	s.ask("POST", "/store/metadata", map[string]any{"name": "m", "type": "badger", "config": `{"path":"/data/store/metadata/m"}`})
	s.ask("POST", "/store/block/local", map[string]any{"name": "l", "type": "fs", "config": `{"path":"` + render.ContentPath + `/l"}`})
	s.ask("POST", "/store/block/remote", map[string]any{"name": "r", "type": "memory"})
	for share, more := range map[string]map[string]any{
		"cached": {"remote_block_store": "r"}, "sized": {"remote_block_store": "r", "local_store_size": "2GiB"}, "local": {},
	} {
		s.ask("POST", "/shares", with(map[string]any{"name": share, "metadata_store_id": "m", "local_block_store": "l"}, more))
	}
	check := func() {
		t.Helper()
		if got := s.localCap("cached"); got != 80*gib {
			t.Errorf("a share with a remote: %d, want %d", got, 80*gib)
		}
		if got := s.localCap("sized"); got != 2*gib {
			t.Errorf("a share with a size: %d, want %d", got, 2*gib)
		}
		// 25 % of the memory of this machine: why such a share is reported when the volume is much larger.
		if got := s.localCap("local"); got >= 80*gib || got < gib/4 {
			t.Errorf("a share without a remote: %d", got)
		}
	}
	check()
	s.stop()
	before := s.configMaps[render.ConfigMapName(name)][render.ConfigKey]
	s.live = s.set
	s.object.Spec.Storage.ContentSize = ptr.To(resource.MustParse("200Gi"))
	s.start()
	if after := s.configMaps[render.ConfigMapName(name)][render.ConfigKey]; after != before {
		t.Errorf("growth changed the configuration:\n%s\nwas\n%s", after, before)
	}
	check()
	s.stop()
	s.object.Spec.Config = map[string]dittofsv1alpha1.Value{"blockstore": {Raw: []byte(`{"local":{"default_remote_cache_size":5368709120}}`)}}
	s.start()
	if got := s.localCap("cached"); got != 5*gib {
		t.Errorf("with spec.config: %d, want %d", got, 5*gib)
	}
}
