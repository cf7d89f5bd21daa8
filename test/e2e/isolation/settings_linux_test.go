// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package isolation

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSettingsOfAKilledRunArePutBackByTheNext(t *testing.T) {
	dir := t.TempDir()
	setting, file := filepath.Join(dir, "setting"), filepath.Join(dir, "remembered")
	if err := os.WriteFile(setting, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := rememberSettings(file); err != nil {
		t.Fatal(err)
	}
	// In the place of those of the machine.
	if err := os.WriteFile(file, []byte(`{"`+setting+`":"before\n"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(setting, []byte("changed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	next, err := rememberSettings(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := next.restore(); err != nil {
		t.Fatal(err)
	}
	if now, _ := os.ReadFile(setting); string(now) != "before\n" {
		t.Errorf("the setting is %q", now)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the next run would put them back again: %v", err)
	}
}
