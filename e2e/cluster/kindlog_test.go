package cluster

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/kind/pkg/exec"

	"github.com/netmode-io/netmode/e2e/progress"
)

func TestKindLog(t *testing.T) {
	var out strings.Builder
	log := &kindLog{show: progress.New(&out, "cluster")}
	log.Warn("enabling experimental provider")
	log.V(0).Infof(" • %s  ...\n", "Preparing nodes 📦 📦 ")
	log.V(0).Infof(" ✓ %s\n", "Preparing nodes 📦 📦 ")
	log.V(3).Info("kubeadm says")
	log.Errorf("bad %d", 1)
	if want := "cluster: kind: Preparing nodes\n"; out.String() != want {
		t.Errorf("shown: have %q, want %q", out.String(), want)
	}
	const want = "enabling experimental provider\n ✓ Preparing nodes 📦 📦\nkubeadm says\nbad 1\n"
	if got := log.Kept(); strings.ReplaceAll(got, " \n", "\n") != want {
		t.Errorf("kept: have %q, want %q", got, want)
	}
	if got := lastLines(log.Kept(), 2); got != "kubeadm says\nbad 1" {
		t.Errorf("last lines: have %q", got)
	}
	if !log.V(3).Enabled() || log.V(4).Enabled() {
		t.Error("want level 3, kubeadm's output, and not 4")
	}
}

func TestKindError(t *testing.T) {
	run := func(output string) error {
		return fmt.Errorf("creating: %w", &exec.RunError{Command: []string{"podman", "run", "--name", "node"}, Output: []byte(output), Inner: errors.New("exit status 125")})
	}
	tests := map[string]struct {
		err  error
		want string
	}{
		"a program, known":   {run("Error: bind: address already in use\n"), "a port that the cluster publishes is taken: run the same command again for another port; ss -ltnp names who has it (podman run: exit status 125: Error: bind: address already in use)"},
		"a program, unknown": {run("Error: no such thing\n"), "kind: podman run: exit status 125: Error: no such thing; it said last:\n✗ Preparing nodes"},
		"kind itself":        {errors.New("bad configuration"), "kind: bad configuration; it said last:\n✗ Preparing nodes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := kindError(test.err, "\n ✗ Preparing nodes\n"); errorText(got) != test.want {
				t.Errorf("have %v\nwant %s", got, test.want)
			}
		})
	}
}
