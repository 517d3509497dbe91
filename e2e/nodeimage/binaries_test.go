package nodeimage

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/e2e/command"
)

// goBuilds is a go that writes an empty program, and remembers what it built.
func goBuilds(t *testing.T, built *[]string) fakeRunner {
	return func(c command.Command) (string, error) {
		i := slices.Index(c.Args, "-o")
		if c.Args[0] != "go" || i < 0 {
			t.Errorf("unexpected program %q", c.Args)
			return "", errors.New("unexpected")
		}
		*built = append(*built, c.Args[len(c.Args)-1])
		return "", os.WriteFile(c.Args[i+1], nil, 0o600)
	}
}

func TestBinaries(t *testing.T) {
	var built []string
	var out strings.Builder
	b := newBuilder(t, goBuilds(t, &built), &out)
	for range 2 {
		dir, err := b.Binaries(t.Context(), "kube-apiserver", "etcd")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"kube-apiserver", "etcd"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
	}
	if want := []string{"k8s.io/kubernetes/cmd/kube-apiserver", "go.etcd.io/etcd/server/v3"}; !slices.Equal(built, want) {
		t.Errorf("built %q, want each of %q once", built, want)
	}
	const said = "test: building kube-apiserver\ntest: building kube-apiserver: 0 s\ntest: building etcd\ntest: building etcd: 0 s\n"
	if out.String() != said {
		t.Errorf("have\n%swant\n%s", out.String(), said)
	}
}

func TestBinariesAll(t *testing.T) {
	var built []string
	b := newBuilder(t, goBuilds(t, &built), nil)
	if _, err := b.Binaries(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(built) != 9 {
		t.Errorf("built %d programs, want 9: %q", len(built), built)
	}
}

func TestBinariesUnknown(t *testing.T) {
	_, err := newBuilder(t, nil, nil).Binaries(t.Context(), "kubelt")
	const want = `"kubelt" is no program of the cluster: choose from etcd, coredns, kube-apiserver, kube-controller-manager, ` +
		"kube-scheduler, kube-proxy, kubelet, kubeadm, kubectl"
	if errorText(err) != want {
		t.Errorf("have %v\nwant %s", err, want)
	}
}

func TestBinariesFail(t *testing.T) {
	failed := errors.New("exit status 1")
	tests := map[string]struct {
		run  fakeRunner
		want string
	}{
		"no go":      {fails("", exec.ErrNotFound), "go is not on the PATH: export PATH=$PATH:/usr/local/go/bin"},
		"no network": {fails("go: k8s.io/api@v0.37.2: Get \"https://proxy.golang.org\": dial tcp: lookup proxy.golang.org: no such host", failed), "the Go modules cannot be fetched: connect this machine, or set GOPROXY to a proxy that it reaches"},
		"full disk":  {fails("link: write: no space left on device", failed), "the disk is full: go clean -cache frees Go's build cache"},
		"no memory":  {fails("compile: signal: killed", failed), "the build was killed, most likely for want of memory: it needs 4 GiB free, or GOFLAGS=-p=1"},
		"other":      {fails("x.go:1: syntax error", failed), "go build: exit status 1: x.go:1: syntax error"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBuilder(t, test.run, nil)
			_, err := b.Binaries(t.Context(), "etcd")
			if !strings.HasPrefix(errorText(err), test.want) {
				t.Errorf("have %v\nwant %s", err, test.want)
			}
			if left, _ := filepath.Glob(filepath.Join(b.cache, "*", "bin", "*")); len(left) > 0 {
				t.Errorf("a failed build left %q", left)
			}
		})
	}
}

func TestLdflags(t *testing.T) {
	const want = "-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2 -X k8s.io/component-base/version.gitMajor=1 " +
		"-X k8s.io/component-base/version.gitMinor=37 -X k8s.io/client-go/pkg/version.gitVersion=v1.37.2 " +
		"-X k8s.io/client-go/pkg/version.gitMajor=1 -X k8s.io/client-go/pkg/version.gitMinor=37"
	if got := ldflags("v1.37.2"); got != want {
		t.Errorf("have %s\nwant %s", got, want)
	}
}
