// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bufio"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// firstByteWithin bounds how long a client may be silent before it says which protocol it speaks.
const firstByteWithin = 10 * time.Second

// handshakeRecord is the first byte of a TLS connection; no method of HTTP begins with it.
const handshakeRecord = 0x16

// Listener serves TLS and plain HTTP at one address: some servers speak the one, some the other, and whoever asks knows
// which by the URL.
func (s *Server) Listener(inner net.Listener) net.Listener {
	l := &listenerOfBoth{Listener: inner, conns: make(chan net.Conn), closed: make(chan struct{}),
		config: &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: s.configFor}}
	l.sniffing.Go(l.accept)
	return l
}

type listenerOfBoth struct {
	net.Listener
	config   *tls.Config
	conns    chan net.Conn
	closed   chan struct{}
	close    sync.Once
	closeErr error
	sniffing sync.WaitGroup
	err      error // of the inner listener, once conns is closed
}

func (l *listenerOfBoth) Accept() (net.Conn, error) {
	conn, ok := <-l.conns
	if !ok {
		return nil, l.err
	}
	return conn, nil
}

// Close ends the listener and waits for the connections that have not said a word yet.
func (l *listenerOfBoth) Close() error {
	l.close.Do(func() {
		close(l.closed)
		l.closeErr = l.Listener.Close()
		l.sniffing.Wait()
	})
	return l.closeErr
}

func (l *listenerOfBoth) accept() {
	var sniffers sync.WaitGroup
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			sniffers.Wait()
			l.err = err
			close(l.conns)
			return
		}
		sniffers.Go(func() { l.sniff(conn) })
	}
}

func (l *listenerOfBoth) sniff(conn net.Conn) {
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-l.closed:
			_ = conn.SetReadDeadline(time.Unix(1, 0)) // wakes the read below
		case <-stop:
		}
	}()
	_ = conn.SetReadDeadline(time.Now().Add(firstByteWithin))
	buffered := &peekedConn{Conn: conn, r: bufio.NewReader(conn)}
	first, err := buffered.r.Peek(1)
	if err != nil {
		_ = conn.Close()
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	var out net.Conn = buffered
	if first[0] == handshakeRecord {
		out = tls.Server(buffered, l.config)
	}
	select {
	case l.conns <- out:
	case <-l.closed:
		_ = conn.Close()
	}
}

// peekedConn gives back what was read ahead.
type peekedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *peekedConn) Read(b []byte) (int, error) { return c.r.Read(b) }
