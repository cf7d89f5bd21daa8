// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package bucket keeps files as objects of a service that speaks S3. In go a file and s3://BUCKET/KEY, out comes an object
// that was read back and compared, or an error that says what to do; and the way back. It takes credentials from where
// the tools of AWS have them, never by a flag, and puts none into an error or a log.
package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	// askLimit bounds what is no transfer, transferLimit one transfer.
	askLimit, transferLimit = 2 * time.Minute, 30 * time.Minute
	// attempts of each request, with up to a second between them.
	attempts = 4
)

// Bucket is one bucket.
type Bucket struct {
	name, endpoint string
	client         minio.Core
	credentials    *credentials.Credentials
	http           *http.Client
}

// Object is what a listing says of one.
type Object struct {
	// Name is what comes after the prefix.
	Name string
	Size int64
}

// List returns the objects below a prefix, and nothing that is deeper.
func (b *Bucket) List(ctx context.Context, prefix Location) ([]Object, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	below := prefix
	if below.Key != "" {
		below = below.Below("")
	}
	return b.list(ctx, below.Key, below)
}

func (b *Bucket) list(ctx context.Context, prefix string, asked Location) (found []Object, err error) {
	if err := b.mayAsk(asked, "list"); err != nil {
		return nil, err
	}
	for object := range b.client.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{Prefix: prefix}) {
		if object.Err != nil {
			return nil, b.explain(object.Err, asked, "list", "s3:ListBucket")
		}
		if name := strings.TrimPrefix(object.Key, prefix); !strings.HasSuffix(name, "/") {
			found = append(found, Object{name, object.Size})
		}
	}
	return found, nil
}

// Exists tells whether there is such an object. A HEAD would do, and its refusals say nothing: they have no body.
func (b *Bucket) Exists(ctx context.Context, at Location) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	found, err := b.list(ctx, at.Key, at)
	for _, object := range found {
		if object.Name == "" {
			return true, nil
		}
	}
	return false, err
}

// Put makes an object of a file. S3 shows an object when all of it has come, and not before. It is read back then, and
// removed if it is not what was sent.
func (b *Bucket) Put(ctx context.Context, at Location, file string) (err error) {
	if err := b.mayAsk(at, "write"); err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sending, cancel := context.WithTimeout(ctx, transferLimit)
	defer cancel()
	// The MD5 is what buckets with object lock ask for, and what every server compares.
	_, err = b.client.Client.PutObject(sending, b.name, at.Key, f, size, minio.PutObjectOptions{ContentType: "application/octet-stream", SendContentMd5: true})
	if err != nil {
		return b.explain(err, at, "write", "s3:PutObject")
	}
	back := sha256.New()
	_, err = b.Get(ctx, at, back)
	if err == nil && !bytes.Equal(back.Sum(nil), sum.Sum(nil)) {
		err = fmt.Errorf("look for what changes content between here and %s", b.endpoint)
	}
	if err != nil {
		// Nobody may take it for one that is known to be whole, also if it is time to stop.
		return errors.Join(fmt.Errorf("%s was written, is not known to be what was sent, and is removed: %w", at, err), b.Remove(context.WithoutCancel(ctx), at))
	}
	return nil
}

// Get writes an object, and returns its size. One that breaks off is an error.
func (b *Bucket) Get(ctx context.Context, at Location, to io.Writer) (size int64, err error) {
	if err := b.mayAsk(at, "read"); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, transferLimit)
	defer cancel()
	body, info, _, err := b.client.GetObject(ctx, b.name, at.Key, minio.GetObjectOptions{})
	if err != nil {
		return 0, b.explain(err, at, "read", "s3:GetObject")
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	size, err = io.Copy(to, body)
	if err != nil {
		return size, fmt.Errorf("read %s from %s: it broke off after %d of %d bytes: %w", at, b.endpoint, size, info.Size, err)
	}
	return size, nil
}

// Remove removes an object; one that is not there is no error.
func (b *Bucket) Remove(ctx context.Context, at Location) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	if err := b.mayAsk(at, "remove"); err != nil {
		return err
	}
	if err := b.client.RemoveObject(ctx, b.name, at.Key, minio.RemoveObjectOptions{}); err != nil {
		return b.explain(err, at, "remove", "s3:DeleteObject")
	}
	return nil
}
