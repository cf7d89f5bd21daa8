// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// maxDetail bounds what a server's words may occupy in our errors, which end up in conditions and events.
const maxDetail = 300

// StatusError is an answer other than 2xx.
type StatusError struct {
	Method string
	Path   string
	Code   int
	// Detail is the server's own explanation: the detail of a problem document (dfs handlers), or the line of text that
	// its auth middleware and router send. Empty when there is none; a recovered panic is an empty 500.
	Detail string
	// Fields holds the messages per field of a 422, which only adapter settings answer.
	Fields map[string]string
	// ServerTime is the server's clock when it answered, zero if it did not say. dfs grants exp no leeway, so that a
	// 401 with a server clock far from ours is a clock problem and no wrong secret.
	ServerTime time.Time
}

func (e *StatusError) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("dfs: %s %s: status %d", e.Method, e.Path, e.Code)
	}
	return fmt.Sprintf("dfs: %s %s: status %d: %s", e.Method, e.Path, e.Code, e.Detail)
}

// UnreachableError is a call that got no complete answer: refused, reset, timed out, or broken off.
type UnreachableError struct {
	Method string
	Path   string
	Err    error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("dfs: %s %s: no answer: %v", e.Method, e.Path, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// AnswerError is a successful status with a body that no dfs sends: somebody else answers at that address, or a proxy
// stands between.
type AnswerError struct {
	Method string
	Path   string
	Reason string
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("dfs: %s %s: not an answer of a DittoFS server: %s", e.Method, e.Path, e.Reason)
}

// IsUnauthorized says that the server does not accept the token: wrong secret, expired, or clocks too far apart.
func IsUnauthorized(err error) bool { return hasStatus(err, http.StatusUnauthorized) }

// IsForbidden says that the token's role does not suffice.
func IsForbidden(err error) bool { return hasStatus(err, http.StatusForbidden) }

// IsNotFound says that the object, or in another version of dfs the route, does not exist.
func IsNotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// IsConflict says that the object exists already or is in use.
func IsConflict(err error) bool { return hasStatus(err, http.StatusConflict) }

// IsInvalid says that the server refuses the request as it stands: repeating it will not help.
func IsInvalid(err error) bool {
	return hasStatus(err, http.StatusBadRequest) || hasStatus(err, http.StatusUnprocessableEntity)
}

// IsUnreachable says that no complete answer came.
func IsUnreachable(err error) bool {
	var u *UnreachableError
	return errors.As(err, &u)
}

// IsTimeout says that an answer did not come in time.
func IsTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return IsUnreachable(err) && (errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout())
}

// IsUntrusted says that TLS failed: the server's certificate does not verify, or the server refused ours.
func IsUntrusted(err error) bool {
	var verify *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	return IsUnreachable(err) && (errors.As(err, &verify) || errors.As(err, &alert) || errors.As(err, &record) ||
		IsPlaintext(err) || TLSAlert(err) != "")
}

// IsPlaintext says that TLS was spoken to a server that serves plain HTTP.
func IsPlaintext(err error) bool {
	return IsUnreachable(err) && errors.Is(err, http.ErrSchemeMismatch)
}

// TLSAlert is what the server said when it broke the handshake off, such as "tls: certificate required"; empty if it did
// not. crypto/tls reports that as a net.OpError with Op "remote error" around an unexported type.
func TLSAlert(err error) string {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if text, found := strings.CutPrefix(e.Error(), "remote error: "); found {
			return text
		}
	}
	return ""
}

// IsForeign says that something answered that is no DittoFS server.
func IsForeign(err error) bool {
	var a *AnswerError
	return errors.As(err, &a)
}

func hasStatus(err error, code int) bool {
	var s *StatusError
	return errors.As(err, &s) && s.Code == code
}

// transportError tells a caller that gave up from a server that did not answer. The *url.Error around the cause is
// dropped because it repeats the URL.
func transportError(parent context.Context, cl call, err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	if errors.Is(parent.Err(), context.Canceled) {
		return fmt.Errorf("dfs: %s %s: %w", cl.method, cl.path, context.Canceled)
	}
	return &UnreachableError{cl.method, cl.path, err}
}

func newStatusError(cl call, res *http.Response, body []byte, token string) *StatusError {
	e := &StatusError{Method: cl.method, Path: cl.path, Code: res.StatusCode}
	if t, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		e.ServerTime = t
	}
	switch mediaType(res.Header) {
	case "application/problem+json", "application/json":
		var problem struct {
			Title  string            `json:"title"`
			Detail string            `json:"detail"`
			Errors map[string]string `json:"errors"`
		}
		if json.Unmarshal(body, &problem) == nil {
			e.Detail = cleanDetail(problem.Detail, token)
			if e.Detail == "" {
				e.Detail = cleanDetail(problem.Title, token)
			}
			for field, message := range problem.Errors {
				if e.Fields == nil {
					e.Fields = map[string]string{}
				}
				e.Fields[cleanDetail(field, token)] = cleanDetail(message, token)
			}
		}
	case "text/plain":
		e.Detail = cleanDetail(string(body), token)
	}
	return e
}

// cleanDetail makes a server's words fit for a condition: one line, bounded, printable, and without the token, which a
// server we do not control could echo.
func cleanDetail(s, token string) string {
	if token != "" {
		s = strings.ReplaceAll(s, token, "[token]")
	}
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > maxDetail {
		s = string(r[:maxDetail]) + "..."
	}
	return s
}
