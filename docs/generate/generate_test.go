package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/mode"
	"github.com/netmode-io/netmode/pkg/resolv"
)

const repository = "../.."

// The files are as the registries have it.
func TestGenerated(t *testing.T) {
	for _, file := range files() {
		before, err := os.ReadFile(filepath.Join(repository, file.name))
		if err != nil {
			t.Fatal(err)
		}
		after, err := file.make(string(before))
		if err != nil {
			t.Errorf("%s: %v", file.name, err)
			continue
		}
		if diff := cmp.Diff(string(before), after); diff != "" {
			t.Errorf("%s is stale: run make generate (-file +generated):\n%s", file.name, diff)
		}
	}
}

// Every file is written anew, and one that is as it should be stays.
func TestRewrite(t *testing.T) {
	root := t.TempDir()
	name := filepath.Join(root, "file")
	if err := os.WriteFile(name, []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o640); err != nil { //nolint:gosec // the mode is what is tested
		t.Fatal(err)
	}
	for _, tt := range []struct {
		made string
		err  error
		want string
	}{{"b", nil, "b"}, {"b", nil, "b"}, {"c", errors.New("no"), "b"}} {
		if err := rewrite(name, func(string) (string, error) { return tt.made, tt.err }); !errors.Is(err, tt.err) {
			t.Errorf("%q: %v, want %v", tt.made, err, tt.err)
		}
		if have, err := os.ReadFile(name); err != nil || string(have) != tt.want {
			t.Errorf("%q: the file has %q, want %q: %v", tt.made, have, tt.want, err)
		}
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the file's mode: %v, %v", info.Mode(), err)
	}
}

// The Chinese words are of modes and strategies that there are, each with all its cells.
func TestChineseWords(t *testing.T) {
	modes, strategies := chineseModes(), chineseStrategies()
	for _, m := range mode.Modes() {
		if cells, ok := modes[m.Name]; !ok || cells[0] == "" || cells[1] == "" || cells[2] == "" {
			t.Errorf("mode %s has the words %q", m.Name, cells)
		}
		delete(modes, m.Name)
	}
	for _, s := range resolv.Strategies() {
		if cells, ok := strategies[s.Name]; !ok || (cells[0] == "") != (s.Summary == "") || (cells[1] == "") != (s.Place == "") || (cells[2] == "") != (s.Needs == "") {
			t.Errorf("strategy %s has the words %q", s.Name, cells)
		}
		delete(strategies, s.Name)
	}
	if len(modes) > 0 || len(strategies) > 0 {
		t.Errorf("words of what there is not: %v %v", modes, strategies)
	}
}

// What only some modes promise is held of them alone.
func TestMerge(t *testing.T) {
	held := func(text string) mode.Held { return mode.Held{Expression: text, Message: text} }
	modes := []mode.Mode{
		{Name: "a", Promise: mode.Promise{Variable: "a", Pod: []mode.Held{held("one"), held("two")}, Service: []mode.Held{held("one")}}},
		{Name: "b", Promise: mode.Promise{Variable: "b", Pod: []mode.Held{held("three"), held("one")}, Service: []mode.Held{held("one"), held("two")}}},
		{Name: "c", Promise: mode.Promise{Service: []mode.Held{held("one"), held("two")}}},
	}
	expressions := func(all []mode.Held) []string {
		var found []string
		for _, h := range all {
			found = append(found, h.Expression)
		}
		return found
	}
	wantPods := []string{"!variables.a || two", "!variables.b || three", "!(variables.a || variables.b) || one"}
	if diff := cmp.Diff(wantPods, expressions(podValidations(modes))); diff != "" {
		t.Errorf("Pods (-want +have):\n%s", diff)
	}
	wantServices := []string{"one", "!(object.metadata.annotations['netmode.io/mode'] in ['b', 'c']) || two"}
	if diff := cmp.Diff(wantServices, expressions(serviceValidations(modes))); diff != "" {
		t.Errorf("Services (-want +have):\n%s", diff)
	}
}

func TestUnwrap(t *testing.T) {
	const text = "One\ntwo. Example:\n  a: b\n  c: d\nThree.\n\nFour\nfive."
	if have, want := unwrap(text), "One two. Example:\n  a: b\n  c: d\nThree.\n\nFour five."; have != want {
		t.Errorf("have %q\nwant %q", have, want)
	}
}

// What is no CustomResourceDefinition is not written.
func TestDefinitionRefuses(t *testing.T) {
	for _, text := range []string{"", "kind: Pod", "kind: CustomResourceDefinition", "{"} {
		if made, err := definition([]byte(text)); err == nil {
			t.Errorf("%q made %q", text, made)
		}
	}
}
