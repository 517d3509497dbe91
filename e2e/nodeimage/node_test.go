package nodeimage

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/e2e/command"
)

// fakeEngine holds the names of images.
type fakeEngine struct {
	images  []string
	pull    error
	pulled  []string
	loaded  bytes.Buffer
	removed []string
}

func (e *fakeEngine) HasImage(_ context.Context, image string) bool {
	return slices.Contains(e.images, image)
}

func (e *fakeEngine) Pull(_ context.Context, image string) error {
	e.pulled = append(e.pulled, image)
	return e.pull
}

func (e *fakeEngine) LoadImages(_ context.Context, archive io.Reader) error {
	_, err := e.loaded.ReadFrom(archive)
	return err
}

func (e *fakeEngine) ImageTags(context.Context, string) ([]string, error) { return e.images, nil }

func (e *fakeEngine) RemoveImage(_ context.Context, image string) error {
	e.removed = append(e.removed, image)
	return nil
}

// online lets every request reach something that answers.
type online struct{}

func (online) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusUnauthorized, Body: http.NoBody}, nil
}

// tools stands for all programs that a build runs.
func tools(c command.Command) (string, error) {
	switch filepath.Base(c.Args[0]) {
	case "kubeadm":
		var out strings.Builder
		for _, name := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns/coredns", "pause", "etcd"} {
			out.WriteString("registry.k8s.io/" + name + ":v1\n")
		}
		return out.String(), nil
	case "chroot":
		return "\tlinux-vdso.so.1 (0x1)\n\tlibnftables.so.1 => /lib/libnftables.so.1 (0x2)\n\t/lib64/ld-linux-x86-64.so.2 (0x3)\n", nil
	case "tar", "go":
		for _, flag := range []string{"-cf", "-o"} {
			if i := slices.Index(c.Args, flag); i >= 0 {
				return "", os.WriteFile(c.Args[i+1], []byte(strings.Join(c.Args, " ")), 0o600)
			}
		}
	case "unshare":
		return "", os.MkdirAll(c.Args[len(c.Args)-2], 0o750)
	}
	return "", nil
}

func TestNodeImageChoice(t *testing.T) {
	const published = "docker.io/kindest/node:v1.37.2"
	own, err := newBuilder(t, nil, nil).OwnImage()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		given  string
		engine *fakeEngine
		client http.RoundTripper
		want   string
		pulled bool
		built  bool
	}{
		"given":               {given: "mine:1", engine: &fakeEngine{}, want: "mine:1"},
		"own is here":         {engine: &fakeEngine{images: []string{own, published}}, client: online{}, want: own},
		"published is here":   {engine: &fakeEngine{images: []string{published}}, want: published},
		"registry has it":     {engine: &fakeEngine{}, client: online{}, want: published, pulled: true},
		"registry has it not": {engine: &fakeEngine{pull: errors.New("manifest unknown")}, client: online{}, want: own, pulled: true, built: true},
		"no registry":         {engine: &fakeEngine{}, client: refusing{}, want: own, built: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBuilder(t, fakeRunner(tools), nil)
			b.client = &http.Client{Transport: test.client}
			got, err := b.NodeImage(t.Context(), test.engine, test.given)
			if err != nil || got != test.want {
				t.Errorf("have %q, %v; want %q", got, err, test.want)
			}
			if pulled := len(test.engine.pulled) > 0; pulled != test.pulled {
				t.Errorf("pulled: %t, want %t", pulled, test.pulled)
			}
			if built := test.engine.loaded.Len() > 0; built != test.built {
				t.Errorf("built: %t, want %t", built, test.built)
			}
		})
	}
}

func TestBuildNodeImage(t *testing.T) {
	var out strings.Builder
	b := newBuilder(t, fakeRunner(tools), &out)
	engine := &fakeEngine{images: []string{Repository + ":v1.36.0-old", "localhost/other:1"}}
	tag, err := b.NodeImage(t.Context(), engine, "")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(engine.removed, []string{Repository + ":v1.36.0-old"}) {
		t.Errorf("removed %q, want only the image before", engine.removed)
	}
	_, contents := untar(t, &engine.loaded)
	if !strings.Contains(contents["manifest.json"], tag) {
		t.Errorf("the archive does not name %s: %s", tag, contents["manifest.json"])
	}
	var node map[string]string
	for name, content := range contents {
		if strings.HasSuffix(name, ".tar") && strings.Contains(content, "kind/version") {
			_, node = untar(t, strings.NewReader(content))
		}
	}
	for path, want := range map[string]string{
		"kind/version":               "v1.37.2",
		"etc/containerd/config.toml": "pause = \"registry.k8s.io/pause:v1\"\n",
		"usr/local/bin/entrypoint":   "#!/bin/bash\n",
		"etc/systemd/system/multi-user.target.wants/containerd.service": "",
	} {
		if got, ok := node[path]; !ok || got != want {
			t.Errorf("%s: have %q, %t; want %q", path, got, ok, want)
		}
	}
	_, images := untar(t, strings.NewReader(node["kind/images/cluster.tar"]))
	for _, want := range []string{"registry.k8s.io/pause:v1", "registry.k8s.io/coredns/coredns:v1", "registry.k8s.io/kube-proxy:v1"} {
		if !strings.Contains(images["manifest.json"], want) {
			t.Errorf("the cluster's images lack %s", want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(b.cache, ".node-*")); len(left) > 0 {
		t.Errorf("the build left %q", left)
	}
	for _, step := range []string{"no registry to pull", "Debian packages: 0 s", "building kubelet: 0 s", "assembling the node image: 0 s"} {
		if !strings.Contains(out.String(), step) {
			t.Errorf("nothing was said of %q:\n%s", step, out.String())
		}
	}
}

func TestImageTagsOfAnotherKubernetes(t *testing.T) {
	b := newBuilder(t, fakeRunner(func(command.Command) (string, error) { return "registry.k8s.io/kube-apiserver:v2\n", nil }), nil)
	_, err := b.imageTags(t.Context(), "/bin", "v2")
	const want = "kubeadm v2 wants no image kube-controller-manager but registry.k8s.io/kube-apiserver:v2: the node image must be made otherwise for this version"
	if errorText(err) != want {
		t.Errorf("have %v", err)
	}
}

func TestBootstrapFails(t *testing.T) {
	failed := errors.New("exit status 1")
	tests := map[string]struct {
		run  fakeRunner
		user bool
		want string
	}{
		"not root":       {user: true, want: "debootstrap needs root to make the node image: run the same command with sudo -E, or set NODE_IMAGE to a kind node image"},
		"no debootstrap": {run: fails("unshare: failed to execute debootstrap: No such file or directory", failed), want: "debootstrap is not installed: apt-get install debootstrap"},
		"no unshare":     {run: fails("", exec.ErrNotFound), want: "debootstrap is not installed: apt-get install debootstrap"},
		"no network":     {run: fails("E: Failed getting release file http://mirror.test/dists/bookworm/Release", failed), want: "http://mirror.test cannot be reached: connect this machine, or set DEBIAN_MIRROR to a mirror that it reaches"},
		"no devices":     {run: fails("E: Cannot install into target mounted with noexec or nodev", failed), want: "debootstrap cannot work on the cache's file system: export XDG_CACHE_HOME=/var/cache"},
		"other":          {run: fails("E: Invalid Release signature", failed), want: "unshare: exit status 1: E: Invalid Release signature"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBuilder(t, test.run, nil)
			b.root = !test.user
			_, err := b.NodeImage(t.Context(), &fakeEngine{}, "")
			if !strings.HasPrefix(errorText(err), test.want) {
				t.Errorf("have %v\nwant %s", err, test.want)
			}
			if left, _ := filepath.Glob(filepath.Join(b.cache, "*", "base")); len(left) > 0 {
				t.Errorf("a failure left %q", left)
			}
		})
	}
}

func TestLoaded(t *testing.T) {
	out, _ := tools(command.Command{Args: []string{"chroot"}})
	if got, want := loaded(out), []string{"lib/libnftables.so.1", "lib64/ld-linux-x86-64.so.2"}; !slices.Equal(got, want) {
		t.Errorf("have %q, want %q", got, want)
	}
}

func TestRemoveAll(t *testing.T) {
	root := t.TempDir()
	for _, path := range []string{"keep/a", "drop/a.deb", "drop/b.deb", "drop/c"} {
		writeText(t, filepath.Join(root, path), "")
	}
	if err := removeAll(root, []string{"drop/*.deb", "not-there/*"}); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(root, "*", "*"))
	if err != nil || len(left) != 2 {
		t.Errorf("left %q, %v; want keep/a and drop/c", left, err)
	}
}
