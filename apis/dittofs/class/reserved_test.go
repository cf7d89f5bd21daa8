// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package class

import (
	"reflect"
	"strings"
	"testing"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// The short look at a request says nothing else than the long one, for each field of the spec and all specs of the table.
func TestTheShortLookAtReservedFieldsAgreesWithTheLongOne(t *testing.T) {
	class := limitRow{}.class()
	var fields []string
	structure := reflect.TypeFor[dittofsv1alpha1.DittoServerSpec]()
	for i := range structure.NumField() {
		if name, _, _ := strings.Cut(structure.Field(i).Tag.Get("json"), ","); name != "" {
			fields = append(fields, name)
		}
	}
	fields = append(fields, "percona.backup", "service.type", "adapterServices.nfs.type", "storage.storageClassName", "resources.limits")
	touched, same := 0, 0
	plain := specOf(t, nil)
	for _, row := range limitRows(t) {
		for _, patch := range []map[string]any{row.Allowed, row.Refused} {
			spec := specOf(t, patch)
			for _, old := range []*dittofsv1alpha1.DittoServerSpec{nil, plain} {
				for _, name := range fields {
					class.Reserved = []string{name}
					found, err := findChanges(spec, old, class)
					if err != nil {
						t.Fatal(err)
					}
					if got := untouched(spec, old, class); got != (len(found) == 0) {
						t.Errorf("%s of %v: untouched is %t, and the long look finds %v", name, patch, got, found)
					}
					if len(found) == 0 {
						same++
					} else {
						touched++
					}
				}
			}
		}
	}
	if touched == 0 || same == 0 {
		t.Errorf("%d fields were touched, %d were not", touched, same)
	}
}
