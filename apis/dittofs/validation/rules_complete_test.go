// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// specField is a field of the spec as the source of the types declares it.
type specField struct {
	path string   // storage.metadataSize, snapshotPolicies[].share
	tags []string // of its rules: required, minimum=1
	leaf bool     // nothing of ours is below it
}

func TestEveryFieldHasItsRows(t *testing.T) {
	table := loadRules(t)
	rows := map[string][]rule{}
	for _, row := range table.Rules {
		for _, r := range row.placed() {
			rows[r.Field] = append(rows[r.Field], r)
		}
	}
	known := map[string]bool{"metadata.name": true}
	withoutRows := slices.AppendSeq(slices.Clone(table.Free), maps.Keys(table.Elsewhere))
	for _, f := range specFields(t) {
		known[f.path] = true
		for _, tag := range f.tags {
			want := tagMessage(tag)
			if !slices.ContainsFunc(rowsAbout(rows, f.path), func(r rule) bool { return strings.Contains(r.Message, want) }) {
				t.Errorf("%s has the tag %s and no row that ends in %q", f.path, tag, want)
			}
		}
		if f.leaf && slices.Contains(withoutRows, f.path) == (len(rowsAbout(rows, f.path)) > 0) {
			t.Errorf("%s must have a row or be listed as free or as checked elsewhere, and not both", f.path)
		}
	}
	for field := range rows {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(known)), func(path string) bool { return field == path || strings.HasPrefix(field, path+".") }) {
			t.Errorf("rows are about %s, which is no field", field)
		}
	}
	for _, field := range withoutRows {
		if !known[field] {
			t.Errorf("%s is listed and is no field", field)
		}
	}
}

// rowsAbout are those of a field, of what is in it, and of its items' keys.
func rowsAbout(rows map[string][]rule, path string) []rule {
	var found []rule
	for field, list := range rows {
		if field == path || strings.HasPrefix(field, path+".") || strings.HasPrefix(field, path+"[]") {
			found = append(found, list...)
		}
	}
	return found
}

// tagMessage is what the rule of a tag says when it refuses.
func tagMessage(tag string) string {
	name, value, _ := strings.Cut(tag, "=")
	switch name {
	case "required":
		return "Required value"
	case "minimum":
		return "must be greater than or equal to " + value
	case "maximum":
		return "must be less than or equal to " + value
	case "maxLength":
		return "may not be more than " + value + " characters"
	case "maxItems", "maxProperties":
		return "must have at most " + value + " items"
	case "listMapKey":
		return "Duplicate value"
	case "format":
		return "RFC 1123 subdomain"
	case "immutable":
		return "field is immutable"
	case "enum":
		return "Unsupported value"
	}
	return fmt.Sprintf("(no test knows the tag %s)", tag)
}

// specFields reads the types from their source, where the tags are.
func specFields(t *testing.T) []specField {
	t.Helper()
	files, err := filepath.Glob("../v1alpha1/types_*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no types: %v", err)
	}
	types := sourceTypes{structs: map[string]*ast.StructType{}, enums: map[string]bool{}}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		types.read(parsed)
	}
	fields := types.fields("DittoServerSpec", "")
	if len(fields) < 150 {
		t.Fatalf("only %d fields found: the source is read in a wrong way", len(fields))
	}
	return fields
}

type sourceTypes struct {
	structs map[string]*ast.StructType
	enums   map[string]bool
}

func (s sourceTypes) read(file *ast.File) {
	for _, declaration := range file.Decls {
		general, ok := declaration.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range general.Specs {
			named, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			if structure, ok := named.Type.(*ast.StructType); ok {
				s.structs[named.Name.Name] = structure
			}
			if slices.Contains(ruleTags(general.Doc), "enum") {
				s.enums[named.Name.Name] = true
			}
		}
	}
}

func (s sourceTypes) fields(typeName, prefix string) []specField {
	var fields []specField
	for _, f := range s.structs[typeName].Fields.List {
		inner, list := elementType(f.Type)
		name, _, _ := strings.Cut(jsonTag(f), ",")
		if name == "" { // inline
			fields = append(fields, s.fields(inner, prefix)...)
			continue
		}
		path := prefix + name
		tags := ruleTags(f.Doc)
		if s.enums[inner] {
			tags = append(tags, "enum")
		}
		_, ours := s.structs[inner]
		ours = ours && inner != "Value"
		fields = append(fields, specField{path: path, tags: tags, leaf: !ours})
		if ours {
			if list {
				path += "[]"
			}
			fields = append(fields, s.fields(inner, path+".")...)
		}
	}
	return fields
}

// elementType is the name of a type of ours behind pointers and lists.
func elementType(expression ast.Expr) (name string, list bool) {
	switch e := expression.(type) {
	case *ast.Ident:
		return e.Name, false
	case *ast.StarExpr:
		return elementType(e.X)
	case *ast.ArrayType:
		name, _ = elementType(e.Elt)
		return name, true
	}
	return "", false
}

func jsonTag(f *ast.Field) string {
	text, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return ""
	}
	return reflect.StructTag(text).Get("json")
}

// ruleTags are the declarative rules in a comment. Of the others, optional and
// opaqueType say that there is none, listType what listMapKey says, and eachVal
// what is in a list.
func ruleTags(comment *ast.CommentGroup) []string {
	var tags []string
	if comment == nil {
		return nil
	}
	for _, line := range comment.List {
		tag, ok := strings.CutPrefix(line.Text, "// +k8s:")
		name, _, _ := strings.Cut(tag, "=")
		if ok && !slices.Contains([]string{"optional", "opaqueType", "listType", "eachVal"}, name) {
			tags = append(tags, tag)
		}
	}
	return tags
}
