// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package isolation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// settings are those of the whole machine that a kubelet changes when it starts, with their values before.
type settings struct {
	file   string
	values map[string]string
}

// rememberSettings keeps them in a file too, which outlives a run that is killed: then the next one puts them back.
func rememberSettings(file string) (*settings, error) {
	s := &settings{file: file, values: map[string]string{}}
	data, err := os.ReadFile(file)
	if err == nil {
		return s, json.Unmarshal(data, &s.values)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, name := range []string{
		"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
		"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
	} {
		path := filepath.Join("/proc/sys", name)
		if value, err := os.ReadFile(path); err == nil {
			s.values[path] = string(value)
		}
	}
	if data, err = json.Marshal(s.values); err != nil {
		return nil, err
	}
	return s, os.WriteFile(file, data, 0o600)
}

// restore writes what is not as it was.
func (s *settings) restore() error {
	var errs []error
	for path, want := range s.values {
		if now, err := os.ReadFile(path); err == nil && string(now) == want {
			continue
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			errs = append(errs, fmt.Errorf("put back %s: %w", path, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return os.Remove(s.file)
}
