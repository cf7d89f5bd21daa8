// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"k8s.io/client-go/rest"
)

// subject is one way to the objects: a group of the API and the server that is asked.
type subject struct {
	name, group, version, namespace string
	config                          *rest.Config

	// plain is a client that does not ask for compression; kubectl and controllers do.
	compressed, plain *http.Client
}

func (s *subject) connect() (err error) {
	if s.compressed, err = rest.HTTPClientFor(s.config); err != nil {
		return err
	}
	plain := rest.CopyConfig(s.config)
	plain.DisableCompression = true
	s.plain, err = rest.HTTPClientFor(plain)
	return err
}

func (s *subject) apiVersion() string { return s.group + "/" + s.version }

func (s *subject) collection() string {
	return s.config.Host + "/apis/" + s.apiVersion() + "/namespaces/" + s.namespace + "/dittoservers"
}

// request is one to the collection, or below it.
type request struct {
	method, path, contentType, accept string
	body                              []byte
	plain                             bool
}

// open sends a request and returns its answer, which the caller reads. An answer
// that is no success is an error.
func (s *subject) open(ctx context.Context, r request) (*http.Response, error) {
	sent, err := http.NewRequestWithContext(ctx, r.method, s.collection()+r.path, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	if r.contentType != "" {
		sent.Header.Set("Content-Type", r.contentType)
	}
	if r.accept != "" {
		sent.Header.Set("Accept", r.accept)
	}
	httpClient := s.compressed
	if r.plain {
		httpClient = s.plain
	}
	response, err := httpClient.Do(sent)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		body, readErr := io.ReadAll(io.LimitReader(response.Body, 4096))
		return nil, errors.Join(fmt.Errorf("%s %s is answered with %s: %s", r.method, sent.URL, response.Status, body), readErr, response.Body.Close())
	}
	return response, nil
}

// send is open for who wants to know only that it was answered, and with how many bytes.
func (s *subject) send(ctx context.Context, r request) (int64, error) {
	response, err := s.open(ctx, r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	size, err := io.Copy(io.Discard, response.Body)
	if err != nil {
		return size, fmt.Errorf("%s %s: %w", r.method, s.collection()+r.path, err)
	}
	return size, nil
}
