package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMakeFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "modules")
	if made, err := makeFolder(path); made != path || err != nil {
		t.Fatalf("have %q, %v", made, err)
	}
	if made, err := makeFolder(path); made != "" || err != nil {
		t.Errorf("a folder that is there: have %q, %v", made, err)
	}
	inside := filepath.Join(path, "6.1")
	if err := os.Mkdir(inside, 0o750); err != nil {
		t.Fatal(err)
	}
	removeFolder("")
	removeFolder(path)
	if _, err := os.Stat(inside); err != nil {
		t.Errorf("a folder with something in it was removed: %v", err)
	}
	removeFolder(inside)
	removeFolder(path)
	if _, err := os.Stat(path); err == nil {
		t.Error("the empty folder is still there")
	}
	_, err := makeFolder(filepath.Join(path, "below"))
	if err == nil || !strings.Contains(err.Error(), "sudo mkdir "+path) {
		t.Errorf("have %v", err)
	}
}
