// Command generate writes what the registries of modes and search strategies and the
// API types say into the files that repeat it: the promises that the API server
// holds, the CustomResourceDefinition, and the tables of the READMEs. make generate
// runs it in the repository's root, with what controller-gen wrote as its input.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if err := run(".", os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run writes the files below root.
func run(root string, generated io.Reader) error {
	schema, err := io.ReadAll(generated)
	if err != nil {
		return fmt.Errorf("read controller-gen's output: %w", err)
	}
	definitions := file{"deploy/kustomize/base/networkmodepolicies.yaml", func(string) (string, error) { return definition(schema) }}
	for _, file := range append(files(), definitions) {
		if err := rewrite(filepath.Join(root, file.name), file.make); err != nil {
			return fmt.Errorf("%s: %w", file.name, err)
		}
	}
	return nil
}

// file is one that is generated, from what it was before.
type file struct {
	name string
	make func(before string) (string, error)
}

// files are those that the registries make.
func files() []file {
	return []file{
		{"deploy/kustomize/base/promises.yaml", func(string) (string, error) { return promises() }},
		{"README.md", func(before string) (string, error) { return withTables(before, english) }},
		{"README.zh-CN.md", func(before string) (string, error) { return withTables(before, chinese) }},
	}
}

// rewrite leaves a file that is as it should be alone.
func rewrite(name string, remake func(before string) (string, error)) error {
	before, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	after, err := remake(string(before))
	if err != nil || after == string(before) {
		return err
	}
	return os.WriteFile(name, []byte(after), 0o600) // the file is there, and keeps its mode
}
