package suite

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
)

// execTimeout is for one program in a pod.
const execTimeout = 30 * time.Second

// exec runs a program in a container and returns what it wrote, without the white space at its
// ends.
func (s *scene) exec(ctx context.Context, pod, container string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, execTimeout, fmt.Errorf("not ended within %s", execTimeout))
	defer cancel()
	url := s.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(s.namespace).Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: container, Command: args, Stdout: true, Stderr: true}, scheme.ParameterCodec).URL()
	executor, err := remotecommand.NewWebSocketExecutor(s.config, http.MethodGet, url.String())
	if err != nil {
		return "", err
	}
	var stdout, stderr bytes.Buffer
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &stdout, Stderr: &stderr})
	out := strings.TrimSpace(stdout.String())
	if err != nil {
		return out, fmt.Errorf("%s in %s/%s: %w: %s %s", strings.Join(args, " "), pod, container, err, out, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

// mustExec is exec of a program that must not fail.
func (s *scene) mustExec(ctx context.Context, t *testing.T, pod, container string, args ...string) string {
	t.Helper()
	out, err := s.exec(ctx, pod, container, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// eventually waits until a program in a container writes what is wanted.
func (s *scene) eventually(ctx context.Context, t *testing.T, within time.Duration, want, pod, container string, args ...string) {
	t.Helper()
	until(ctx, t, within, func(ctx context.Context) (bool, string) {
		out, err := s.exec(ctx, pod, container, args...)
		if err != nil {
			return false, err.Error()
		}
		return out == want, fmt.Sprintf("%s in %s/%s: have %q, want %q", strings.Join(args, " "), pod, container, out, want)
	})
}

// resolve is the command line that prints the addresses of a name, in the peercheck image.
func resolve(name string) []string { return []string{"/peercheck", "resolve", name} }

// fetch is the command line that asks a peer who it is, in the busybox image. Its look-up is
// the C library's.
func fetch(host string, port int) []string {
	return []string{"wget", "-q", "-O", "-", "http://" + net.JoinHostPort(host, strconv.Itoa(port)) + "/"}
}

// searches returns the search list of a container, of the peercheck image.
func (s *scene) searches(ctx context.Context, t *testing.T, pod, container string) []string {
	t.Helper()
	var searches []string
	for line := range strings.Lines(s.mustExec(ctx, t, pod, container, "/peercheck", "show")) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] == "search" {
			searches = fields[1:]
		}
	}
	if len(searches) == 0 {
		t.Fatalf("%s/%s has no search list", pod, container)
	}
	return searches
}
