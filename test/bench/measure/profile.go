// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
)

// profileTime is shorter than any step takes with the default flags.
const profileTime = 15 * time.Second

// Profiled takes a CPU profile of a server while a step runs, into dir. An empty dir means none.
func Profiled(ctx context.Context, config *rest.Config, dir, name string, step func() error) error {
	if dir == "" {
		return step()
	}
	client, err := adminClient(config)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		profile, err := client.Get().AbsPath("/debug/pprof/profile").
			Param("seconds", fmt.Sprint(int(profileTime.Seconds()))).Timeout(2 * profileTime).DoRaw(ctx)
		if err == nil {
			err = os.MkdirAll(dir, 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+".pprof"), profile, 0o644)
		}
		done <- err
	}()
	if err := step(); err != nil {
		return err
	}
	if err := <-done; err != nil {
		return fmt.Errorf("profile of %s: %w", name, err)
	}
	return nil
}
