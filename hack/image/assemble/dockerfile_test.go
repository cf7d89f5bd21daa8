// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// finalStage reads the instructions after the last FROM, continued lines joined.
func finalStage(t *testing.T) (instructions map[string][]string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(data), "\\\n", " ")
	for _, line := range strings.Split(text, "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "" || strings.HasPrefix(word, "#"):
		case word == "FROM":
			instructions = map[string][]string{"FROM": {strings.TrimSpace(rest)}}
		default:
			instructions[word] = append(instructions[word], strings.TrimSpace(rest))
		}
	}
	return instructions
}

func TestTheDockerfileSaysTheSameAsTheImageMadeWithoutDocker(t *testing.T) {
	stage := finalStage(t)
	spec := Server("unused", "amd64", Origin{Version: "${VERSION}", Commit: "${COMMIT}"})

	if got := stage["FROM"]; !reflect.DeepEqual(got, []string{"scratch"}) {
		t.Errorf("the last stage is from %v, want scratch: nothing but our own files", got)
	}
	labels := map[string]string{}
	for _, pair := range regexp.MustCompile(`([a-z.]+)="([^"]*)"`).FindAllStringSubmatch(strings.Join(stage["LABEL"], " "), -1) {
		labels[pair[1]] = pair[2]
	}
	var entrypoint []string
	if err := json.Unmarshal([]byte(strings.Join(stage["ENTRYPOINT"], "")), &entrypoint); err != nil {
		t.Fatalf("ENTRYPOINT: %v", err)
	}
	for what, c := range map[string][2]any{
		"labels":     {labels, spec.Labels},
		"entrypoint": {entrypoint, spec.Entrypoint},
		"user":       {stage["USER"], []string{spec.User}},
		"directory":  {stage["WORKDIR"], []string{spec.WorkingDir}},
		"ports":      {stage["EXPOSE"], spec.Ports},
		"files":      {stage["COPY"], []string{"--from=build --chmod=0755 /out/dittofs-apiserver " + spec.Entries[0].Path}},
		"arguments":  {len(stage["CMD"]), len(spec.Cmd)},
		"variables":  {len(stage["ENV"]), len(spec.Env)},
	} {
		if !reflect.DeepEqual(c[0], c[1]) {
			t.Errorf("%s: the Dockerfile says %v, the other way %v", what, c[0], c[1])
		}
	}
	if len(spec.Entries) != 1 || spec.Entries[0].Mode != 0o755 {
		t.Errorf("entries %v: the Dockerfile copies one file", spec.Entries)
	}
}

func TestBothWaysCompileByTheSameScript(t *testing.T) {
	for _, file := range []string{"Dockerfile", filepath.Join("hack", "image", "main.go")} {
		data, err := os.ReadFile(filepath.Join("..", "..", "..", file))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), "compile.sh") {
			t.Errorf("%s does not use hack/image/compile.sh", file)
		}
	}
}
