// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// nfs4 is as much of an NFSv4.0 client (RFC 7530) as it takes to write a file and to read it: libnfs cannot open one here, and
// a kernel client is not everywhere.
type nfs4 struct {
	t        *testing.T
	conn     net.Conn
	xid      uint32
	clientID []byte
	seqid    uint32
}

// Operations of a COMPOUND.
const (
	opClose, opGetFH, opLookup, opOpen, opOpenConfirm, opPutFH, opPutRootFH = 4, 10, 15, 18, 20, 22, 24
	opRead, opSetClientID, opSetClientIDConfirm, opWrite                    = 25, 35, 36, 38
)

// xdr writes and reads the external data representation.
type xdr struct{ b []byte }

func (x *xdr) u32(v ...uint32) *xdr {
	for _, n := range v {
		x.b = binary.BigEndian.AppendUint32(x.b, n)
	}
	return x
}

func (x *xdr) u64(v uint64) *xdr  { x.b = binary.BigEndian.AppendUint64(x.b, v); return x }
func (x *xdr) raw(v []byte) *xdr  { x.b = append(x.b, v...); return x }
func (x *xdr) text(v string) *xdr { return x.opaque([]byte(v)) }

func (x *xdr) opaque(v []byte) *xdr {
	x.u32(uint32(len(v)))
	x.b = append(x.b, v...)
	return x.raw(make([]byte, (4-len(v)%4)%4))
}

func (x *xdr) take(n int) []byte {
	out := x.b[:n]
	x.b = x.b[n:]
	return out
}

func (x *xdr) next() uint32 { return binary.BigEndian.Uint32(x.take(4)) }

func (x *xdr) nextOpaque() []byte {
	n := int(x.next())
	out := x.take(n)
	x.take((4 - n%4) % 4)
	return out
}

func dialNFS4(t *testing.T, address string) *nfs4 {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := &nfs4{t: t, conn: conn}
	set := new(xdr).u32(opSetClientID).raw([]byte(time.Now().Format("15040500"))).text("dfs-test").u32(0x40000000).text("tcp").text("0.0.0.0.0.0").u32(1)
	answer := c.compound(1, set)
	c.clientID = answer.take(8)
	c.compound(1, new(xdr).u32(opSetClientIDConfirm).raw(c.clientID).raw(answer.take(8)))
	return c
}

// compound sends operations and returns the result of the last one. Those before it must have none.
func (c *nfs4) compound(operations uint32, args *xdr) *xdr {
	c.t.Helper()
	c.xid++
	credentials := new(xdr).u32(0).text("test").u32(fileUID, fileUID, 0)
	call := new(xdr).u32(c.xid, 0, 2, 100003, 4, 1).u32(1).opaque(credentials.b).u32(0, 0).text("").u32(0, operations).raw(args.b)
	_ = c.conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := c.conn.Write(new(xdr).u32(1<<31 | uint32(len(call.b))).raw(call.b).b); err != nil {
		c.t.Fatal(err)
	}
	answer := &xdr{}
	for last := false; !last; {
		header := make([]byte, 4)
		if _, err := io.ReadFull(c.conn, header); err != nil {
			c.t.Fatal(err)
		}
		mark := binary.BigEndian.Uint32(header)
		fragment := make([]byte, mark&^(1<<31))
		if _, err := io.ReadFull(c.conn, fragment); err != nil {
			c.t.Fatal(err)
		}
		answer.raw(fragment)
		last = mark>>31 == 1
	}
	if xid, kind, denied := answer.next(), answer.next(), answer.next(); xid != c.xid || kind != 1 || denied != 0 {
		c.t.Fatalf("the call was denied: %d %d %d", xid, kind, denied)
	}
	answer.next()
	answer.nextOpaque()
	if accepted := answer.next(); accepted != 0 {
		c.t.Fatalf("the call was not accepted: %d", accepted)
	}
	status := answer.next()
	answer.nextOpaque()
	results := answer.next()
	for i := uint32(1); ; i++ {
		op, s := answer.next(), answer.next()
		if s != 0 || status != 0 && i == results {
			c.t.Fatalf("operation %d: status %d", op, s)
		}
		if i == results {
			return answer
		}
	}
}

// at goes down to a file.
func at(path ...string) (operations uint32, args *xdr) {
	args = new(xdr).u32(opPutRootFH)
	for _, segment := range path {
		args.u32(opLookup).text(segment)
	}
	return uint32(1 + len(path)), args
}

// open creates a file in a share if it is not there, for reading and writing.
func (c *nfs4) open(share, file string) (handle, state []byte) {
	c.t.Helper()
	n, args := at(share)
	args.u32(opOpen, c.seqid, 3, 0).raw(c.clientID).text("owner").u32(1, 0, 2, 0, 2, 4, 0o644, 0).text(file)
	answer := c.compound(n+1, args)
	c.seqid++
	state = answer.take(16)
	answer.take(4 + 8 + 8) // what changed in the directory
	const confirm = 2
	flags := answer.next()
	n, args = at(share, file)
	handle = c.compound(n+1, args.u32(opGetFH)).nextOpaque()
	if flags&confirm != 0 {
		confirmed := c.compound(2, new(xdr).u32(opPutFH).opaque(handle).u32(opOpenConfirm).raw(state).u32(c.seqid))
		c.seqid++
		state = confirmed.take(16)
	}
	return handle, state
}

func (c *nfs4) write(handle, state, content []byte) {
	c.t.Helper()
	const most, fileSync = 256 << 10, 2
	for offset := 0; offset < len(content); {
		piece := content[offset:min(offset+most, len(content))]
		args := new(xdr).u32(opPutFH).opaque(handle).u32(opWrite).raw(state).u64(uint64(offset)).u32(fileSync).opaque(piece)
		written := int(c.compound(2, args).next())
		if written == 0 {
			c.t.Fatal("nothing was written")
		}
		offset += written
	}
}

func (c *nfs4) read(handle, state []byte) (content []byte) {
	c.t.Helper()
	for {
		args := new(xdr).u32(opPutFH).opaque(handle).u32(opRead).raw(state).u64(uint64(len(content))).u32(256 << 10)
		answer := c.compound(2, args)
		eof, piece := answer.next(), answer.nextOpaque()
		content = append(content, piece...)
		if eof == 1 {
			return content
		}
		if len(piece) == 0 {
			c.t.Fatal(fmt.Errorf("nothing was read at %d", len(content)))
		}
	}
}

func (c *nfs4) close(handle, state []byte) {
	c.t.Helper()
	c.compound(2, new(xdr).u32(opPutFH).opaque(handle).u32(opClose, c.seqid).raw(state))
	c.seqid++
}
