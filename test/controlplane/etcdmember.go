// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// EtcdMember is one process of an external etcd, beside that of a plane. It has no keeper: its owner ends it.
type EtcdMember struct {
	Name string
	// Client and Peer are its URLs, Log is the file of its log.
	Client, Peer, Log string

	binary, dir string
	args        []string
	log         *os.File
	process     *exec.Cmd
	ended       chan struct{}
}

// NewEtcdMember takes two ports for a member, which answers clients at https or http. Nothing runs yet.
func NewEtcdMember(binary, dir, name, scheme string) (*EtcdMember, error) {
	ports, err := FreePorts(2)
	if err != nil {
		return nil, err
	}
	return &EtcdMember{
		Name: name, Client: fmt.Sprintf("%s://127.0.0.1:%d", scheme, ports[0]), Peer: fmt.Sprintf("http://127.0.0.1:%d", ports[1]),
		Log: filepath.Join(dir, name+".log"), binary: binary, dir: dir,
	}, nil
}

// Form starts the members of a cluster, each with its data in its directory, and with these flags more.
func Form(members []*EtcdMember, args ...string) error {
	var cluster []string
	for _, m := range members {
		cluster = append(cluster, m.Name+"="+m.Peer)
	}
	for _, m := range members {
		if err := os.MkdirAll(m.dir, 0o700); err != nil {
			return err
		}
		var err error
		if m.log, err = os.Create(m.Log); err != nil {
			return err
		}
		m.args = slices.Concat([]string{"--name=" + m.Name, "--data-dir=" + filepath.Join(m.dir, m.Name), "--log-level=warn",
			"--listen-client-urls=" + m.Client, "--advertise-client-urls=" + m.Client,
			"--listen-peer-urls=" + m.Peer, "--initial-advertise-peer-urls=" + m.Peer,
			"--initial-cluster=" + strings.Join(cluster, ","), "--initial-cluster-state=new"}, args)
		if err := m.Start(); err != nil {
			return err
		}
	}
	return nil
}

// Start runs it again over its data.
func (m *EtcdMember) Start() error {
	m.process, m.ended = exec.Command(m.binary, m.args...), make(chan struct{})
	m.process.Stdout, m.process.Stderr = m.log, m.log
	if err := m.process.Start(); err != nil {
		m.process = nil
		return fmt.Errorf("start etcd %s: %w", m.Name, err)
	}
	go func(process *exec.Cmd, ended chan struct{}) {
		_ = process.Wait() // it is killed
		close(ended)
	}(m.process, m.ended)
	return nil
}

// Kill ends it as a lost node would. Killing twice is fine.
func (m *EtcdMember) Kill() {
	if m.process == nil {
		return
	}
	_ = m.process.Process.Kill()
	<-m.ended
}

// Close kills it and closes its log.
func (m *EtcdMember) Close() error {
	m.Kill()
	if m.log == nil {
		return nil
	}
	return m.log.Close()
}
