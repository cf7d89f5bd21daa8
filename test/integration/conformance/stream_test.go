// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// stream is a watch.
type stream struct {
	s      *session
	step   string
	frames *json.Decoder
	close  func()
}

// event is a line of it.
type event struct {
	Type   string
	Object object
}

// watch opens one in the background: events are read when asked for.
func (s *session) watch(step string, options ...option) *stream {
	s.t.Helper()
	return s.watchAt(step, s.all(), options...)
}

func (s *session) watchAt(step, path string, options ...option) *stream {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), harness.PatienceLimit)
	//nolint:bodyclose // the stream's close closes it
	response, r := s.open(ctx, http.MethodGet, path, append([]option{query("watch", "true")}, options...))
	if response.StatusCode != http.StatusOK {
		data, _ := io.ReadAll(response.Body)
		a := answer{code: response.StatusCode, header: response.Header, body: data}
		_ = json.Unmarshal(data, &a.json)
		s.lines = append(s.lines, step+": "+s.summary(a))
		if !r.loose {
			s.shapes = append(s.shapes, step+": "+s.shape(a))
		}
	}
	return &stream{s: s, step: step, frames: json.NewDecoder(response.Body), close: func() {
		cancel()
		response.Body.Close()
	}}
}

// expect records the next events.
func (w *stream) expect(count int) *stream {
	w.s.t.Helper()
	var told []string
	for range count {
		var event event
		if err := w.frames.Decode(&event); err != nil {
			told = append(told, fmt.Sprint(err))
			break
		}
		told = append(told, w.tell(event))
	}
	w.s.note("%s: %s", w.step, strings.Join(told, ", "))
	return w
}

// drain records all that comes until the server ends the watch; repeated events, as bookmarks are, once.
func (w *stream) drain() {
	w.s.t.Helper()
	defer w.close()
	before := len(w.s.shapes)
	var told []string
	for {
		var event event
		if err := w.frames.Decode(&event); err != nil {
			told = append(told, fmt.Sprint(err))
			break
		}
		told = append(told, w.tell(event))
	}
	w.s.shapes = append(w.s.shapes[:before:before], slices.Compact(w.s.shapes[before:])...)
	w.s.note("%s: %s", w.step, strings.Join(slices.Compact(told), ", "))
}

func (w *stream) tell(told event) string {
	event, target := told.Type, told.Object
	text := event
	switch {
	case event == "ERROR":
		text += fmt.Sprintf(" %v %v", target["code"], target["reason"])
		w.s.shapes = append(w.s.shapes, w.step+": "+event+" "+w.s.statusShape(target))
		return text
	case target["kind"] == "Table":
		rows, _ := target["rows"].([]any)
		columns, _ := target["columnDefinitions"].([]any)
		w.s.shapes = append(w.s.shapes, fmt.Sprintf("%s: %s Table", w.step, event))
		return fmt.Sprintf("%s Table with columns %t and %d rows", event, len(columns) > 0, len(rows))
	}
	if name := lookup(target, "metadata", "name"); name != nil {
		text += fmt.Sprintf(" %v", name)
	}
	if lookup(target, "metadata", "annotations", "k8s.io/initial-events-end") == "true" {
		text += " at the end of the initial events"
	}
	w.s.shapes = append(w.s.shapes, w.step+": "+event+" "+w.s.objectShape(target))
	return text
}
