// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/klog/v2"

	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
)

// Path is where the server hands out snapshots: a non-resource URL, whose verb is get. Whoever may read it reads every object
// in the store.
const Path = "/etcd/snapshot"

// Handler answers GET with a snapshot of the store. What breaks off lacks the checksum at its end.
func Handler(client *clientv3.Client) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			http.Error(w, "a snapshot is read with GET", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		if sent, err := etcd.WriteSnapshot(r.Context(), client, w); err != nil {
			klog.ErrorS(err, "Sending a snapshot of the store", "bytes", sent)
			if sent == 0 {
				http.Error(w, "the store gives no snapshot: "+err.Error(), http.StatusServiceUnavailable)
			}
		}
	})
}

// download writes what a Handler sends.
func download(ctx context.Context, client *http.Client, url, token string, to io.Writer) (size int64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+Path, nil)
	if err != nil {
		return 0, err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("ask for a snapshot: %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(response.Body, 1024)) // what there is of it is enough
		return 0, fmt.Errorf("%s answers %s: %s", url, response.Status, strings.TrimSpace(string(said)))
	}
	return io.Copy(to, response.Body)
}
