// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxBody is the limit of dfs for every JSON body.
const maxBody = 1 << 20

// answer is what a request gets. It is made while the database is held and written afterwards, so that a slow client
// holds up nobody else.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) write(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if a.header.Get("Content-Type") == "" {
		w.Header()["Content-Type"] = nil // do not let net/http guess one
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

func (a answer) with(key, value string) answer {
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Add(key, value)
	return a
}

func asJSON(status int, contentType string, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		return answer{status: http.StatusInternalServerError}
	}
	return answer{status: status, body: append(body, '\n')}.with("Content-Type", contentType)
}

func ok(v any) answer      { return asJSON(http.StatusOK, "application/json", v) }
func created(v any) answer { return asJSON(http.StatusCreated, "application/json", v) }

func noContent() answer { return answer{status: http.StatusNoContent} }

// panicked is what is left of a request whose handler panicked: a 500 without a body.
func panicked() answer { return answer{status: http.StatusInternalServerError} }

// problem is how the handlers of dfs refuse.
func problem(status int, detail string) answer {
	title := http.StatusText(status)
	return asJSON(status, "application/problem+json", map[string]any{
		"type": "about:blank", "title": title, "status": status, "detail": detail,
	})
}

func badRequest(format string, args ...any) answer {
	return problem(http.StatusBadRequest, fmt.Sprintf(format, args...))
}

func notFound(detail string) answer { return problem(http.StatusNotFound, detail) }
func conflict(detail string) answer { return problem(http.StatusConflict, detail) }

// plain is how the auth middleware and the router of dfs refuse.
func plain(status int, text string) answer {
	return answer{status: status, body: []byte(text + "\n")}.
		with("Content-Type", "text/plain; charset=utf-8").with("X-Content-Type-Options", "nosniff")
}

// readBody reads at most one byte beyond the limit, which is how decode notices that there was more.
func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(r.Body, maxBody+1))
}

// decode reads the first JSON value of a body, unknown fields ignored. The answer is for when it returns false.
func (x *exchange) decode(into any) (answer, bool) {
	if len(x.body) > maxBody {
		return asJSON(http.StatusRequestEntityTooLarge, "application/problem+json", map[string]any{
			"type": "about:blank", "title": "Request Entity Too Large", "status": http.StatusRequestEntityTooLarge,
			"detail": "request body exceeds the 1 MiB limit",
		}), false
	}
	if err := decodeFirst(x.body, into); err != nil {
		return badRequest("Invalid request body"), false
	}
	return answer{}, true
}

func decodeFirst(body []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := dec.Decode(into); err != nil {
		return errors.New("invalid body")
	}
	return nil
}
