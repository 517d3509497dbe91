// Package engine finds the container engine that works on this machine, docker or podman, and
// runs it.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/netmode-io/netmode/e2e/command"
)

// The engines that kind knows and this package can tell apart.
const (
	Docker = "docker"
	Podman = "podman"
)

// askTimeout is enough for an engine that works to say so.
const askTimeout = 20 * time.Second

// Runner runs a program, as command.Local does.
type Runner interface {
	Run(ctx context.Context, c command.Command) (string, error)
}

// Engine is a container engine that has answered.
type Engine struct {
	name string
	env  []string
	run  Runner
}

// Find returns the engine that works here. Want names the one to use, as a name or a path to
// its program; if empty, docker is tried first, then podman. Settings that podman needs on this
// host are written to a file of our own, <configDir>/containers.conf: it must stay as long as a
// container made under it, since podman reads it again when such a container ends. No file of
// the system is changed. The error names each engine's trouble and its cure.
func Find(ctx context.Context, run Runner, want, configDir string) (*Engine, error) {
	return find(ctx, run, want, configDir, readHost)
}

func find(ctx context.Context, run Runner, want, configDir string, host func() (Host, error)) (*Engine, error) {
	var names []string
	switch name := filepath.Base(want); {
	case want == "":
		names = []string{Docker, Podman}
	case name == Docker || name == Podman:
		names = []string{name}
	default:
		return nil, fmt.Errorf("ENGINE=%s is no engine that kind knows: use ENGINE=docker or ENGINE=podman", want)
	}

	var troubles []error
	for _, name := range names {
		e, err := try(ctx, run, name, configDir, host)
		if err == nil {
			return e, nil
		}
		troubles = append(troubles, err)
	}
	return nil, joined(troubles)
}

// joined puts all troubles on one line, so that it stays one sentence.
func joined(troubles []error) error {
	if len(troubles) == 1 {
		return troubles[0]
	}
	texts := make([]string, len(troubles))
	for i, trouble := range troubles {
		texts[i] = trouble.Error()
	}
	return errors.New("no container engine works here: " + strings.Join(texts, "; "))
}

// try asks one engine whether it works.
func try(ctx context.Context, run Runner, name, configDir string, host func() (Host, error)) (*Engine, error) {
	e := &Engine{name: name, run: run}
	format := "{{.ServerVersion}}"
	if name == Podman {
		format = "{{.Host.NetworkBackend}}"
		facts, err := host()
		if err != nil {
			return nil, fmt.Errorf("podman: %w", err)
		}
		if err := facts.check(); err != nil {
			return nil, err
		}
		if config := facts.containersConf(); config != "" {
			path := filepath.Join(configDir, "containers.conf")
			if err := os.MkdirAll(configDir, 0o750); err != nil {
				return nil, err
			}
			if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
				return nil, err
			}
			e.env = []string{"CONTAINERS_CONF=" + path}
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, askTimeout, fmt.Errorf("no answer within %s", askTimeout))
	defer cancel()
	answer, err := e.Run(ctx, "info", "--format", format)
	if err != nil {
		return nil, explain(name, err)
	}
	if strings.TrimSpace(answer) == "" {
		return nil, errors.New("docker's daemon does not answer: systemctl start docker")
	}
	return e, nil
}

// Name is Docker or Podman.
func (e *Engine) Name() string { return e.name }

// Env is what must be in the environment of every program that calls the engine.
func (e *Engine) Env() []string { return e.env }

// Run runs the engine with these arguments and returns what it wrote.
func (e *Engine) Run(ctx context.Context, args ...string) (string, error) {
	return e.do(ctx, nil, nil, args...)
}

func (e *Engine) do(ctx context.Context, stdin io.Reader, stdout io.Writer, args ...string) (string, error) {
	out, err := e.run.Run(ctx, command.Command{
		Args: append([]string{e.name}, args...), Env: e.env, Stdin: stdin, Stdout: stdout,
	})
	return out, err
}

// Exec runs a program in a container, with stdin as its input unless nil.
func (e *Engine) Exec(ctx context.Context, container string, stdin io.Reader, args ...string) (string, error) {
	words := []string{"exec"}
	if stdin != nil {
		words = append(words, "-i")
	}
	return e.do(ctx, stdin, nil, append(append(words, container), args...)...)
}

// HasImage says whether the engine's own storage holds the image.
func (e *Engine) HasImage(ctx context.Context, image string) bool {
	_, err := e.Run(ctx, "image", "inspect", "--format", "{{.Id}}", image)
	return err == nil
}

// Pull fetches the image from its registry.
func (e *Engine) Pull(ctx context.Context, image string) error {
	_, err := e.Run(ctx, "pull", "-q", image)
	return err
}

// LoadImages reads a docker-archive into the engine's storage.
func (e *Engine) LoadImages(ctx context.Context, archive io.Reader) error {
	_, err := e.do(ctx, archive, nil, "load", "-q")
	return err
}

// SaveImage writes an image as a docker-archive.
func (e *Engine) SaveImage(ctx context.Context, image string, archive io.Writer) error {
	_, err := e.do(ctx, nil, archive, "save", image)
	return err
}

// ImageTags lists the tags that the engine holds of a repository, as repository:tag.
func (e *Engine) ImageTags(ctx context.Context, repository string) ([]string, error) {
	out, err := e.Run(ctx, "images", "--format", "{{.Repository}}:{{.Tag}}", repository)
	if err != nil {
		return nil, err
	}
	return strings.Fields(out), nil
}

// RemoveImage removes a tag, and the image with its last one.
func (e *Engine) RemoveImage(ctx context.Context, image string) error {
	_, err := e.Run(ctx, "rmi", image)
	return err
}
