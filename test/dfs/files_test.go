// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

const (
	fileUser     = "alice"
	filePassword = "a password"
	fileUID      = 1001
)

// serving is a server with a share on its content volume, a user, and its adapters behind their Services.
func serving(t *testing.T) *cluster {
	t.Helper()
	s := newServer(t)
	s.start()
	s.ask("POST", "/store/metadata", map[string]any{"name": "m", "type": "badger", "config": `{"path":"/data/store/metadata/m"}`})
	s.ask("POST", "/store/block/local", map[string]any{"name": "l", "type": "fs", "config": `{"path":"` + render.ContentPath + `/l"}`})
	s.ask("POST", "/shares", map[string]any{"name": "projects", "metadata_store_id": "m", "local_block_store": "l", "default_permission": "read-write"})
	s.ask("POST", "/users", map[string]any{"username": fileUser, "password": filePassword, "uid": fileUID, "gid": fileUID})
	s.ask("PUT", "/shares/projects/permissions/users/"+fileUser, map[string]any{"level": "read-write"})
	c := newCluster(s)
	c.expose()
	return c
}

// hint is the mount command of the status.
func (c *cluster) hint(adapter string) string {
	return render.MountHint(c.object, adapter, render.AdapterName(name, adapter)+"."+namespace+".svc")
}

var (
	nfsHint = regexp.MustCompile(`^mount -t nfs -o vers=4,port=(\d+) ([^:]+):/SHARE /mnt$`)
	smbHint = regexp.MustCompile(`^mount -t cifs -o port=(\d+),username=USER (//[^/]+)/SHARE /mnt$`)
)

// randomFile is large enough for more than one block of a write.
func randomFile(t *testing.T) (path string, content []byte) {
	t.Helper()
	content = make([]byte, 3<<20+17)
	_, _ = rand.Read(content) // never fails
	path = filepath.Join(t.TempDir(), "written")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path, content
}

func same(t *testing.T, file string, content []byte) {
	t.Helper()
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("read back: %d bytes of %d, equal %v, %v", len(got), len(content), bytes.Equal(got, content), err)
	}
}

// tool runs a client of a file protocol.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "KRB5CCNAME=FILE:/nonexistent")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestFilesOverNFS(t *testing.T) {
	proves(t, "NFS at the port of the mount hint: over v3 a file is written, listed and read back the same, also after a restart of dfs; over v4 it is listed (libnfs cannot open there: it takes the answer of dfs to ACCESS for a refusal)")
	program(t, "nfs-cp", "libnfs-utils")
	c := serving(t)
	hint := nfsHint.FindStringSubmatch(c.hint(dfs.AdapterNFS))
	if hint == nil {
		t.Fatalf("the hint is %q", c.hint(dfs.AdapterNFS))
	}
	port, host := hint[1], hint[2]
	ports := "&nfsport=" + port + "&mountport=" + port
	written, content := randomFile(t)
	throughNFS(t, host, ports, written, content)
	listed(t, tool(t, "nfs-ls", nfsURL(host, "", "4", ports)), content)
	c.stop()
	c.must(c.startRendered())
	listed(t, tool(t, "nfs-ls", nfsURL(host, "", "4", ports)), content)
	back := filepath.Join(t.TempDir(), "back")
	tool(t, "nfs-cp", nfsURL(host, nfsFile, "3", ports), back)
	same(t, back, content)
}

const nfsFile = "nfs.bin"

func nfsURL(host, file, version, ports string) string {
	return fmt.Sprintf("nfs://%s/%s?version=%s&uid=%d&gid=%d%s", host, path.Join("projects", file), version, fileUID, fileUID, ports)
}

// throughNFS writes, lists and reads.
func throughNFS(t *testing.T, host, ports, written string, content []byte) {
	t.Helper()
	tool(t, "nfs-cp", written, nfsURL(host, nfsFile, "3", ports))
	listed(t, tool(t, "nfs-ls", nfsURL(host, "", "3", ports)), content)
	back := filepath.Join(t.TempDir(), "back")
	tool(t, "nfs-cp", nfsURL(host, nfsFile, "3", ports), back)
	same(t, back, content)
}

func listed(t *testing.T, list string, content []byte) {
	t.Helper()
	if !strings.Contains(list, nfsFile) || !strings.Contains(list, fmt.Sprint(len(content))) {
		t.Errorf("the list:\n%s", list)
	}
}

func TestFilesOverNFS4(t *testing.T) {
	proves(t, "NFSv4 at the mount hint of the status: a file is created, written and read back the same over v4, read over v3, and read over v4 again after a restart of dfs")
	program(t, "nfs-cp", "libnfs-utils")
	c := serving(t)
	hint := nfsHint.FindStringSubmatch(c.hint(dfs.AdapterNFS))
	if hint == nil {
		t.Fatalf("the hint is %q", c.hint(dfs.AdapterNFS))
	}
	port, host := hint[1], hint[2]
	_, content := randomFile(t)
	client := dialNFS4(t, net.JoinHostPort(host, port))
	handle, state := client.open("projects", "four.bin")
	client.write(handle, state, content)
	if got := client.read(handle, state); !bytes.Equal(got, content) {
		t.Errorf("read back: %d bytes of %d", len(got), len(content))
	}
	back := filepath.Join(t.TempDir(), "back")
	tool(t, "nfs-cp", nfsURL(host, "four.bin", "3", "&nfsport="+port+"&mountport="+port), back)
	same(t, back, content)
	c.stop()
	c.must(c.startRendered())
	client = dialNFS4(t, net.JoinHostPort(host, port))
	handle, state = client.open("projects", "four.bin")
	if got := client.read(handle, state); !bytes.Equal(got, content) {
		t.Errorf("after a restart: %d bytes of %d", len(got), len(content))
	}
	client.close(handle, state)
}

// A portmapper names the port of the pod, whatever the Service maps: both are exposed.
func TestFilesByThePortmapper(t *testing.T) {
	proves(t, "with the portmapper on, an NFSv3 client that is told no port finds its way through the Service (111, then the pod's own 12049)")
	program(t, "nfs-cp", "libnfs-utils")
	s := newServer(t)
	s.start()
	s.ask("PATCH", "/adapters/nfs/settings", map[string]any{"portmapper_enabled": true})
	s.stop() // it opens with the next start of the adapter
	s.start()
	s.ask("POST", "/store/metadata", map[string]any{"name": "m", "type": "memory"})
	s.ask("POST", "/store/block/local", map[string]any{"name": "l", "type": "memory"})
	s.ask("POST", "/shares", map[string]any{"name": "projects", "metadata_store_id": "m", "local_block_store": "l", "default_permission": "read-write"})
	s.ask("POST", "/users", map[string]any{"username": fileUser, "password": filePassword, "uid": fileUID, "gid": fileUID})
	c := newCluster(s)
	if ports := c.expose(); !slices.Contains(ports, 111) || !slices.Contains(ports, 2049) || !slices.Contains(ports, 12049) {
		t.Fatalf("the Services have the ports %v", ports)
	}
	written, content := randomFile(t)
	throughNFS(t, render.AdapterName(name, dfs.AdapterNFS)+"."+namespace+".svc", "", written, content)
}

func TestFilesOverSMB(t *testing.T) {
	proves(t, "SMB at the mount hint of the status, as a user of dfs: a file is written, listed and read back the same; a wrong password is refused")
	program(t, "smbclient", "smbclient")
	c := serving(t)
	hint := smbHint.FindStringSubmatch(c.hint(dfs.AdapterSMB))
	if hint == nil {
		t.Fatalf("the hint is %q", c.hint(dfs.AdapterSMB))
	}
	port, host := hint[1], hint[2]
	written, content := randomFile(t)
	back := filepath.Join(t.TempDir(), "back")
	args := func(password, command string) []string {
		return []string{host + "/projects", "-p", port, "-U", fileUser + "%" + password, "-m", "SMB3", "-c", command}
	}
	list := tool(t, "smbclient", args(filePassword, fmt.Sprintf("put %s smb.bin; ls; get smb.bin %s", written, back))...)
	if !strings.Contains(list, "smb.bin") || !strings.Contains(list, fmt.Sprint(len(content))) {
		t.Errorf("the list:\n%s", list)
	}
	same(t, back, content)
	out, err := exec.CommandContext(t.Context(), "smbclient", args("another password", "ls")...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "NT_STATUS_LOGON_FAILURE") {
		t.Errorf("with another password: %v\n%s", err, out)
	}
}

func TestWhatIsWrittenByOneProtocolIsReadByTheOther(t *testing.T) {
	proves(t, "a file written over NFS is read over SMB")
	program(t, "nfs-cp", "libnfs-utils")
	program(t, "smbclient", "smbclient")
	c := serving(t)
	nfs, smb := nfsHint.FindStringSubmatch(c.hint(dfs.AdapterNFS)), smbHint.FindStringSubmatch(c.hint(dfs.AdapterSMB))
	written, content := randomFile(t)
	tool(t, "nfs-cp", written, nfsURL(nfs[2], "both.bin", "3", "&nfsport="+nfs[1]+"&mountport="+nfs[1]))
	back := filepath.Join(t.TempDir(), "back")
	tool(t, "smbclient", smb[2]+"/projects", "-p", smb[1], "-U", fileUser+"%"+filePassword, "-m", "SMB3", "-c", "get both.bin "+back)
	same(t, back, content)
}
