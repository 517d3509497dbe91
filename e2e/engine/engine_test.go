package engine

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/e2e/command"
)

// fake answers programs by their first words.
type fake struct {
	answers map[string]answer
	calls   []command.Command
}

type answer struct {
	out string
	err error
}

func (f *fake) Run(_ context.Context, c command.Command) (string, error) {
	f.calls = append(f.calls, c)
	line := strings.Join(c.Args, " ")
	for words, a := range f.answers {
		if strings.HasPrefix(line, words) {
			if a.err != nil {
				return "", &command.Error{Args: c.Args, Stderr: a.out, Err: a.err}
			}
			return a.out, nil
		}
	}
	return "", &command.Error{Args: c.Args, Err: exec.ErrNotFound}
}

func TestFind(t *testing.T) {
	failed := errors.New("exit status 1")
	works := answer{out: "28.2.2\n"}
	podmanWorks := answer{out: "netavark\n"}
	dead := answer{out: "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", err: failed}
	tests := map[string]struct {
		want    string
		answers map[string]answer
		host    func(*Host)
		name    string // of the engine found
		err     string
	}{
		"docker first":        {answers: map[string]answer{"docker info": works, "podman info": podmanWorks}, name: Docker},
		"podman if no docker": {answers: map[string]answer{"docker info": dead, "podman info": podmanWorks}, name: Podman},
		"asked":               {want: "podman", answers: map[string]answer{"docker info": works, "podman info": podmanWorks}, name: Podman},
		"asked by path":       {want: "/usr/bin/docker", answers: map[string]answer{"docker info": works}, name: Docker},
		"asked and dead": {
			want: "docker", answers: map[string]answer{"docker info": dead, "podman info": podmanWorks},
			err: "docker's daemon does not run: systemctl start docker (docker info: exit status 1: " + dead.out + ")",
		},
		"asked and missing": {want: "docker", err: "docker is not installed: apt-get install docker.io"},
		"unknown":           {want: "nerdctl", err: "ENGINE=nerdctl is no engine that kind knows: use ENGINE=docker or ENGINE=podman"},
		"silent docker":     {want: "docker", answers: map[string]answer{"docker info": {out: "\n"}}, err: "docker's daemon does not answer: systemctl start docker"},
		"unknown trouble": {
			want: "podman", answers: map[string]answer{"podman info": {out: "database is broken", err: failed}},
			err: "podman does not work: podman info: exit status 1: database is broken",
		},
		"neither": {
			host: func(h *Host) { h.Podman = false },
			err: "no container engine works here: docker is not installed: apt-get install docker.io; " +
				"podman is not installed: apt-get install podman runc netavark aardvark-dns iptables",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			run := &fake{answers: test.answers}
			e, err := find(t.Context(), run, test.want, t.TempDir(), func() (Host, error) {
				host := good()
				if test.host != nil {
					test.host(&host)
				}
				return host, nil
			})
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("have %v\nwant %s", err, test.err)
				}
				return
			}
			if err != nil || e.Name() != test.name {
				t.Errorf("have %v, %v; want %s", e, err, test.name)
			}
		})
	}
}

func TestPodmanSettings(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	run := &fake{answers: map[string]answer{"podman": {out: "ok"}}}
	e, err := find(t.Context(), run, Podman, dir, func() (Host, error) { return good(), nil })
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "containers.conf")
	content, err := os.ReadFile(path) //nolint:gosec // in the test's own folder
	if err != nil || string(content) != good().containersConf() {
		t.Errorf("have %q, %v", content, err)
	}
	if _, err := e.Exec(t.Context(), "node", strings.NewReader(""), "cat"); err != nil {
		t.Error(err)
	}
	if _, err := e.Exec(t.Context(), "node", nil, "ls", "/"); err != nil {
		t.Error(err)
	}
	want := []string{"podman info --format {{.Host.NetworkBackend}}", "podman exec -i node cat", "podman exec node ls /"}
	for i, call := range run.calls {
		if got := strings.Join(call.Args, " "); got != want[i] {
			t.Errorf("call %d: have %q, want %q", i, got, want[i])
		}
		if !slices.Equal(call.Env, []string{"CONTAINERS_CONF=" + path}) {
			t.Errorf("call %d: have environment %q", i, call.Env)
		}
	}
}

func TestImages(t *testing.T) {
	run := &fake{answers: map[string]answer{
		"docker info": {out: "28"}, "docker images": {out: "a/b:1\na/b:2\n"}, "docker image inspect --format {{.Id}} here": {out: "sha256:0"},
	}}
	e, err := find(t.Context(), run, Docker, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if tags, err := e.ImageTags(t.Context(), "a/b"); err != nil || !slices.Equal(tags, []string{"a/b:1", "a/b:2"}) {
		t.Errorf("have %q, %v", tags, err)
	}
	if !e.HasImage(t.Context(), "here") || e.HasImage(t.Context(), "elsewhere") {
		t.Error("HasImage: want here, and not elsewhere")
	}
}

func TestExplain(t *testing.T) {
	for _, k := range known() {
		err := errors.New("exit status 125")
		got := Explain(err, "some words: "+strings.ToUpper(k.said)+" and more")
		if !errors.Is(got, err) || !strings.HasPrefix(got.Error(), k.means) {
			t.Errorf("%s: have %v, want %s", k.said, got, k.means)
		}
		if !strings.Contains(k.means, ": ") {
			t.Errorf("%s: no cure in %q", k.said, k.means)
		}
	}
	unknown := errors.New("something new")
	if got := Explain(unknown, "no idea"); !errors.Is(got, unknown) || got.Error() != unknown.Error() {
		t.Errorf("have %v, want the error as it was", got)
	}
	if got := Explain(nil, "address already in use"); got != nil {
		t.Errorf("have %v for no error", got)
	}
}
