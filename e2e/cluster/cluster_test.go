package cluster

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/netmode-io/netmode/e2e/command"
	"github.com/netmode-io/netmode/e2e/engine"
)

// fakeDocker is a docker that works and answers by its first argument.
type fakeDocker map[string]string

func (f fakeDocker) Run(_ context.Context, c command.Command) (string, error) {
	if c.Args[0] != "docker" {
		return "", &command.Error{Args: c.Args, Err: exec.ErrNotFound}
	}
	out, ok := f[c.Args[1]]
	if !ok {
		return "", &command.Error{Args: c.Args, Stderr: "unexpected", Err: errors.New("exit status 1")}
	}
	if c.Stdout != nil {
		_, err := c.Stdout.Write([]byte(out))
		return "", err
	}
	return out, nil
}

// writeState leaves what an earlier command wrote; nothing if it is nil.
func writeState(t *testing.T, o Options, s *state) {
	t.Helper()
	if s == nil {
		return
	}
	dir, err := o.stateDir()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.write(dir); err != nil {
		t.Fatal(err)
	}
}

// fakeOptions are those of a machine with this docker and an empty cache.
func fakeOptions(t *testing.T, docker fakeDocker, out *strings.Builder) Options {
	docker["info"] = "28.0.0\n"
	cache := t.TempDir()
	return Options{Engine: "docker", Progress: out, runner: docker, getenv: func(key string) string {
		return map[string]string{"XDG_CACHE_HOME": cache}[key]
	}}
}

const twoNodes = "netmode-control-plane running\nnetmode-worker running\n"

func TestUpRefuses(t *testing.T) {
	tests := map[string]struct {
		state *state
		nodes int
		want  string
	}{
		"somebody else's": {nil, 0, "there is a kind cluster netmode that make cluster did not make: kind delete cluster --name netmode"},
		"other number":    {&state{Engine: "docker", Image: "mine:1", Nodes: 2, Ready: true}, 1, "the cluster netmode has 2 nodes, not 1: make cluster-down && make cluster"},
		"other engine":    {&state{Engine: "podman", Nodes: 2, Ready: true}, 0, "the cluster netmode runs on podman, not docker: make cluster-down && make cluster"},
		"older image": {
			&state{Engine: "docker", Image: "localhost/netmode/kind-node:v1-old", Nodes: 2, Ready: true}, 0,
			"the cluster netmode runs the node image localhost/netmode/kind-node:v1-old, not localhost/netmode/kind-node:v",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := fakeOptions(t, fakeDocker{"ps": twoNodes}, &strings.Builder{})
			o.Nodes = test.nodes
			o.Name = DefaultName
			writeState(t, o, test.state)
			if _, err := Up(t.Context(), o); !strings.HasPrefix(errorText(err), test.want) {
				t.Errorf("have %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestUpWithoutEngine(t *testing.T) {
	o := fakeOptions(t, fakeDocker{}, nil)
	o.Engine = "nerdctl"
	if _, err := Up(t.Context(), o); errorText(err) != "ENGINE=nerdctl is no engine that kind knows: use ENGINE=docker or ENGINE=podman" {
		t.Errorf("have %v", err)
	}
}

func TestDownWithoutCluster(t *testing.T) {
	var out strings.Builder
	if err := Down(t.Context(), fakeOptions(t, fakeDocker{"ps": ""}, &out)); err != nil {
		t.Error(err)
	}
	if out.String() != "cluster: there is no cluster netmode\n" {
		t.Errorf("have %q", out.String())
	}
}

func TestDownLeavesOthers(t *testing.T) {
	err := Down(t.Context(), fakeOptions(t, fakeDocker{"ps": twoNodes}, nil))
	if errorText(err) != "there is a kind cluster netmode that make cluster did not make: kind delete cluster --name netmode, or docker rm -f -v netmode-control-plane netmode-worker" {
		t.Errorf("have %v", err)
	}
}

func TestContainers(t *testing.T) {
	e := fakeEngine(t, fakeDocker{"ps": "netmode-control-plane Up 2 minutes ago\n\nnetmode-worker exited (137) 2 minutes ago\n"})
	got, err := containers(t.Context(), e, "netmode")
	if want := []container{{"netmode-control-plane", "running"}, {"netmode-worker", "exited"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("have %+v, %v; want %+v", got, err, want)
	}
}

func fakeEngine(t *testing.T, docker fakeDocker) *engine.Engine {
	t.Helper()
	docker["info"] = "28.0.0\n"
	e, err := engine.Find(t.Context(), docker, engine.Docker, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestLoad(t *testing.T) {
	c := &Cluster{Nodes: []Node{{Name: "a"}, {Name: "b"}}, engine: fakeEngine(t, fakeDocker{"image": "sha256:0", "save": "archive", "exec": ""})}
	if err := c.Load(t.Context(), "localhost/netmode:dev"); err != nil {
		t.Error(err)
	}
	c.engine = fakeEngine(t, fakeDocker{})
	err := c.Load(t.Context(), "localhost/netmode:dev")
	if errorText(err) != "docker holds no image localhost/netmode:dev: make image IMAGE=localhost/netmode:dev" {
		t.Errorf("missing image: have %v", err)
	}
	c.engine = fakeEngine(t, fakeDocker{"image": "sha256:0", "save": "archive"})
	err = c.Load(t.Context(), "localhost/netmode:dev")
	if errorText(err) != "image localhost/netmode:dev: node a: docker exec: exit status 1: unexpected" {
		t.Errorf("failing node: have %v", err)
	}
}

func TestWithEnv(t *testing.T) {
	const network = "KIND_EXPERIMENTAL_DOCKER_NETWORK"
	t.Setenv(network, "before")
	failed := errors.New("failed")
	err := withEnv(Options{Name: "netmode"}, fakeEngine(t, fakeDocker{}), func() error {
		if got := os.Getenv(network); got != "kind-netmode" {
			t.Errorf("have %s=%q", network, got)
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("have %v", err)
	}
	if got := os.Getenv(network); got != "before" {
		t.Errorf("afterwards: have %s=%q", network, got)
	}
	if got, set := os.LookupEnv("KIND_EXPERIMENTAL_PODMAN_NETWORK"); set {
		t.Errorf("afterwards: have podman's network %q", got)
	}
}

func TestKubeconfigFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".kube")
	path := filepath.Join(dir, "config")
	getenv := func(string) string { return path + ":/other" }
	if got := missingKubeconfig(Options{getenv: getenv}); got != path {
		t.Errorf("missing: have %q, want %q", got, path)
	}
	if err := removeEmptyKubeconfig(path); err != nil {
		t.Errorf("missing: have %v", err)
	}

	used := api.NewConfig()
	used.Contexts["mine"] = api.NewContext()
	if err := clientcmd.WriteToFile(*used, path); err != nil {
		t.Fatal(err)
	}
	if got := missingKubeconfig(Options{Kubeconfig: path, getenv: getenv}); got != "" {
		t.Errorf("present: have %q", got)
	}
	if err := removeEmptyKubeconfig(path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("a kubeconfig with a context was removed: %v", err)
	}

	if err := clientcmd.WriteToFile(*api.NewConfig(), path); err != nil {
		t.Fatal(err)
	}
	if err := removeEmptyKubeconfig(path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty kubeconfig's folder is left: %v", err)
	}
}
