// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// comment is a doc comment, its markers ("+k8s:maximum=1") taken apart from its text.
type comment struct {
	text    string
	markers map[string][]string
}

// constant is a string constant with its doc comment.
type constant struct {
	name, value string
	// typeName is empty for an untyped one.
	typeName string
	comment
}

// source is what the doc comments of one package say.
type source struct {
	types     map[string]comment
	fields    map[string]comment // by "Type.Field", Field being the Go name
	constants []constant         // in the order of the files
}

// readSource parses the Go files of a directory, tests and generated files left out.
func readSource(dir string) (*source, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	result := &source{types: map[string]comment{}, fields: map[string]comment{}}
	files := token.NewFileSet()
	for _, path := range paths {
		name := filepath.Base(path)
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "zz_generated.") {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(files, path, content, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if err := result.add(file); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	if len(result.types)+len(result.constants) == 0 {
		return nil, fmt.Errorf("no Go source in %s", dir)
	}
	return result, nil
}

func (s *source) add(file *ast.File) error {
	for _, declaration := range file.Decls {
		general, ok := declaration.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range general.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				s.addType(spec, general)
			case *ast.ValueSpec:
				if general.Tok != token.CONST {
					continue
				}
				if err := s.addConstant(spec); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *source) addType(spec *ast.TypeSpec, declaration *ast.GenDecl) {
	doc := spec.Doc
	if doc == nil {
		doc = declaration.Doc
	}
	s.types[spec.Name.Name] = readComment(doc)
	structType, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range structType.Fields.List {
		for _, name := range field.Names {
			s.fields[spec.Name.Name+"."+name.Name] = readComment(field.Doc)
		}
	}
}

// addConstant takes the string constants. One that is computed has no text to show.
func (s *source) addConstant(spec *ast.ValueSpec) error {
	if len(spec.Names) != 1 || len(spec.Values) != 1 {
		return nil
	}
	literal, ok := spec.Values[0].(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return nil
	}
	value, err := strconv.Unquote(literal.Value)
	if err != nil {
		return err
	}
	result := constant{name: spec.Names[0].Name, value: value, comment: readComment(spec.Doc)}
	if typeName, ok := spec.Type.(*ast.Ident); ok {
		result.typeName = typeName.Name
	}
	s.constants = append(s.constants, result)
	return nil
}

// readComment separates a doc comment's text from its markers. Lines of one
// paragraph stay lines, so that a change of one shows as one in a diff.
func readComment(group *ast.CommentGroup) comment {
	result := comment{markers: map[string][]string{}}
	var lines []string
	for line := range strings.Lines(commentText(group)) {
		line = strings.TrimSpace(line)
		if marker, ok := strings.CutPrefix(line, "+"); ok {
			key, value, _ := strings.Cut(marker, "=")
			result.markers[key] = append(result.markers[key], value)
			continue
		}
		lines = append(lines, line)
	}
	result.text = strings.TrimSpace(strings.Join(lines, "\n"))
	return result
}

// commentText is the raw text. CommentGroup.Text would drop lines such as
// "//+k8s:required" as directives.
func commentText(group *ast.CommentGroup) string {
	if group == nil {
		return ""
	}
	var text strings.Builder
	for _, line := range group.List {
		text.WriteString(strings.TrimPrefix(line.Text, "//"))
		text.WriteByte('\n')
	}
	return text.String()
}

// has tells whether one of the markers is there.
func (c comment) has(markers ...string) bool {
	for _, marker := range markers {
		if _, ok := c.markers[marker]; ok {
			return true
		}
	}
	return false
}

// value is the first value of a marker, empty without it.
func (c comment) value(marker string) string {
	if values := c.markers[marker]; len(values) > 0 {
		return values[0]
	}
	return ""
}
