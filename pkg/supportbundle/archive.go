// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package supportbundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// entry is a line of the index: a file, or why there is none.
type entry struct {
	name    string
	about   string
	content []byte
	err     error
}

// archive gathers files and writes them at once: Secrets that are learnt late are taken out of what came early too.
type archive struct {
	entries []entry
	scrubber
}

func (a *archive) put(name, about string, content []byte, err error) {
	a.entries = append(a.entries, entry{name, about, content, err})
}

// index says what is in the archive.
func (a *archive) index(now time.Time) []byte {
	var out bytes.Buffer
	missing := 0
	for _, e := range a.entries {
		if e.err != nil {
			missing++
		}
	}
	fmt.Fprintf(&out, "Support bundle of dittofs-apiserver, %s. %d files, %d could not be had.\n", now.UTC().Format(time.RFC3339), len(a.entries)-missing, missing)
	fmt.Fprint(&out, "Values of Secrets, environment variables, free configuration and foreign annotations are withheld. Look through it before you send it.\n\n")
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FILE\tBYTES\tWHAT")
	for _, e := range a.entries {
		if e.err == nil {
			fmt.Fprintf(table, "%s\t%d\t%s\n", e.name, len(e.content), e.about)
		} else {
			fmt.Fprintf(table, "%s\t-\t%s: not there: %s\n", e.name, e.about, strings.ReplaceAll(e.err.Error(), "\n", " "))
		}
	}
	_ = table.Flush() // into memory
	return a.scrub(out.Bytes())
}

// write makes the file, which must not exist, readable by its owner only.
func (a *archive) write(path string, now time.Time) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	for i := range a.entries {
		a.entries[i].content = a.scrub(a.entries[i].content)
	}
	zipped := gzip.NewWriter(file)
	files := tar.NewWriter(zipped)
	add := func(name string, content []byte) error {
		header := &tar.Header{Name: "support-bundle/" + name, Mode: 0o600, Size: int64(len(content)), ModTime: now}
		if err := files.WriteHeader(header); err != nil {
			return err
		}
		_, err := files.Write(content)
		return err
	}
	err = add("index.txt", a.index(now))
	for _, e := range a.entries {
		if e.err == nil {
			err = errors.Join(err, add(e.name, e.content))
		}
	}
	return errors.Join(err, files.Close(), zipped.Close(), file.Close())
}
