// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package bucket_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dittofs/dittofs-apiserver/pkg/backup/bucket"
	"github.com/dittofs/dittofs-apiserver/pkg/backup/bucket/buckettest"
)

func open(t *testing.T) *bucket.Bucket {
	t.Helper()
	opened, err := bucket.Options{}.Open(buckettest.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func at(key string) bucket.Location { return bucket.Location{Bucket: buckettest.Bucket, Key: key} }

// file has some bytes that no other has.
func file(t *testing.T, size int) (string, []byte) {
	t.Helper()
	content := make([]byte, size)
	_, _ = rand.Read(content)
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name, content
}

func TestAFileComesBackFromABucketAsItWas(t *testing.T) {
	service := buckettest.Start(t)
	b := open(t)
	for name, size := range map[string]int{"one request": 1 << 20, "several parts": 36 << 20} {
		t.Run(name, func(t *testing.T) {
			sent, content := file(t, size)
			key := at("prefix/" + strings.ReplaceAll(name, " ", "-"))
			if err := b.Put(t.Context(), key, sent); err != nil {
				t.Fatal(err)
			}
			var back bytes.Buffer
			if n, err := b.Get(t.Context(), key, &back); err != nil || n != int64(size) || !bytes.Equal(back.Bytes(), content) {
				t.Errorf("%d bytes came back (%v), the same: %t", n, err, bytes.Equal(back.Bytes(), content))
			}
		})
	}
	service.Put(t, "prefix/deeper/object", nil)
	service.Put(t, "prefix-of-another/object", nil)
	found, err := b.List(t.Context(), at("prefix"))
	want := []bucket.Object{{Name: "one-request", Size: 1 << 20}, {Name: "several-parts", Size: 36 << 20}}
	if err != nil || !slices.Equal(found, want) {
		t.Errorf("below the prefix are %v (%v), want %v", found, err, want)
	}
	for key, want := range map[string]bool{"prefix/one-request": true, "prefix/one": false} {
		if exists, err := b.Exists(t.Context(), at(key)); err != nil || exists != want {
			t.Errorf("%s exists: %t (%v)", key, exists, err)
		}
	}
	for range 2 {
		if err := b.Remove(t.Context(), at("prefix/one-request")); err != nil {
			t.Error(err)
		}
	}
	service.WantKeys(t, "prefix-of-another/object", "prefix/deeper/object", "prefix/several-parts")
}

func TestAnUploadThatBreaksOffLeavesNoObject(t *testing.T) {
	part := func(number string) func(*http.Request) bool {
		return func(r *http.Request) bool {
			return r.Method == http.MethodPut && r.URL.Query().Get("partNumber") == number
		}
	}
	complete := func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") }
	cases := map[string]struct {
		size  int
		fault buckettest.Fault
	}{
		"the connection ends":                            {1 << 20, buckettest.Cut(buckettest.Method(http.MethodPut))},
		"the connection ends in the second of its parts": {20 << 20, buckettest.Cut(part("2"))},
		"the parts are not put together":                 {20 << 20, buckettest.Refuse(http.StatusForbidden, "AccessDenied", complete)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			service := buckettest.Start(t)
			service.Break(c.fault)
			sent, _ := file(t, c.size)
			err := open(t).Put(t.Context(), at("prefix/object"), sent)
			if err == nil || !strings.Contains(err.Error(), "write s3://backups/prefix/object at "+service.URL) {
				t.Errorf("the error is %v", err)
			}
			service.WantKeys(t)
		})
	}
}

func TestAConnectionThatEndsOnceIsTriedAgain(t *testing.T) {
	service := buckettest.Start(t)
	var puts atomic.Int32
	service.Break(buckettest.Cut(func(r *http.Request) bool { return r.Method == http.MethodPut && puts.Add(1) == 1 }))
	sent, _ := file(t, 1<<20)
	if err := open(t).Put(t.Context(), at("object"), sent); err != nil || puts.Load() != 2 {
		t.Errorf("%v, after %d tries", err, puts.Load())
	}
	service.WantKeys(t, "object")
}

// serve answers a GET of an object, with a length that is claimed.
func serve(content []byte, length int) buckettest.Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || r.URL.Query().Has("list-type") || r.URL.Query().Has("location") {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(length))
		w.Header().Set("Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT")
		w.Header().Set("ETag", `"0123"`)
		_, _ = w.Write(content)
		return true
	}
}

func TestWhatIsNotReadBackAsItWasSentIsRemoved(t *testing.T) {
	service := buckettest.Start(t)
	sent, content := file(t, 1<<20)
	content[17]++
	service.Break(serve(content, len(content)))
	if err := open(t).Put(t.Context(), at("object"), sent); err == nil || !strings.Contains(err.Error(), "s3://backups/object was written, is not known to be what was sent, and is removed: look for") {
		t.Errorf("the error is %v", err)
	}
	service.WantKeys(t)
}

func TestAnObjectThatBreaksOffIsAnError(t *testing.T) {
	service := buckettest.Start(t)
	service.Put(t, "object", make([]byte, 1<<20))
	service.Break(serve(make([]byte, 1000), 1<<20))
	if n, err := open(t).Get(t.Context(), at("object"), io.Discard); err == nil || n != 1000 || !strings.Contains(err.Error(), "it broke off after 1000 of 1048576 bytes") {
		t.Errorf("%d bytes, the error is %v", n, err)
	}
}

func TestAPlaceInABucketIsNamedByAURL(t *testing.T) {
	for where, want := range map[string]bucket.Location{
		"s3://backups":              {Bucket: "backups"},
		"s3://backups/":             {Bucket: "backups"},
		"s3://my.backups/a/b/":      {Bucket: "my.backups", Key: "a/b/"},
		"s3://backups/a/today's.db": {Bucket: "backups", Key: "a/today's.db"},
	} {
		if found, err := bucket.Parse(where); err != nil || found != want {
			t.Errorf("%s is %v (%v)", where, found, err)
		}
	}
	for _, where := range []string{"/backups", "s3:/backups", "s3://", "s3:///a", "s3://B", "s3://Backups/a", "s3://backups//a", "s3://backups/a?versionId=1"} {
		if found, err := bucket.Parse(where); err == nil {
			t.Errorf("%s is taken for %v", where, found)
		}
	}
	_, err := bucket.Parse("s3://AKID:" + buckettest.Secret + "@backups/a")
	if err == nil || strings.Contains(err.Error(), buckettest.Secret) {
		t.Errorf("a URL with credentials: %v", err)
	}
	for prefix, want := range map[string]string{"s3://backups": "s3://backups/x", "s3://backups/a": "s3://backups/a/x", "s3://backups/a/": "s3://backups/a/x"} {
		if l, err := bucket.Parse(prefix); err != nil || l.Below("x").String() != want {
			t.Errorf("x below %s is %s (%v)", prefix, l.Below("x"), err)
		}
	}
}
