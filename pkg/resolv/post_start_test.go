package resolv_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

func postStartCase(spec string) rewriteCase {
	return rewriteCase{spec: spec, asked: api.SearchPostStart, settings: resolv.Settings{Facts: facts["known"]}}
}

// script is the hook's script as it is written down.
func script(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("post_start.sh")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func hook(t *testing.T, command ...string) *corev1.Lifecycle {
	t.Helper()
	whole := append([]string{"/bin/sh", "-c", script(t), "netmode-post-start", "peers.default.svc.cluster.local"}, command...)
	return &corev1.Lifecycle{PostStart: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: whole}}}
}

// A container that can run the hook gets it; one that cannot is left alone, and
// the trace says why.
func TestPostStartSuitability(t *testing.T) {
	tests := []struct{ name, pod, container, why string }{
		{"nothing said", `{}`, `{}`, ""},
		{"all null", `null`, `{"securityContext":null,"lifecycle":null}`, ""},
		{"root", `{"runAsUser":0,"runAsNonRoot":false}`, `{"securityContext":{"runAsUser":0,"runAsNonRoot":false,"readOnlyRootFilesystem":false}}`, ""},
		{"pod's user", `{"runAsUser":1000}`, `{}`, "it runs as user 1000"},
		{"container's user", `{}`, `{"securityContext":{"runAsUser":7}}`, "it runs as user 7"},
		{"container's user goes before the pod's", `{"runAsUser":0}`, `{"securityContext":{"runAsUser":7}}`, "it runs as user 7"},
		{"container is root again", `{"runAsUser":1000}`, `{"securityContext":{"runAsUser":0}}`, ""},
		{"pod's nonRoot", `{"runAsNonRoot":true}`, `{}`, "it must not run as root"},
		{"container's nonRoot", `{}`, `{"securityContext":{"runAsNonRoot":true}}`, "it must not run as root"},
		{"container may be root again", `{"runAsNonRoot":true}`, `{"securityContext":{"runAsNonRoot":false}}`, ""},
		{"user 0 under the pod's nonRoot", `{"runAsNonRoot":true}`, `{"securityContext":{"runAsUser":0}}`, "it must not run as root"},
		{"pod's nonRoot, another member of its own", `{"runAsNonRoot":true}`, `{"securityContext":{"readOnlyRootFilesystem":false}}`, "it must not run as root"},
		{"read-only", `{}`, `{"securityContext":{"readOnlyRootFilesystem":true}}`, "its root filesystem is read-only"},
		{"preStop only", `{}`, `{"lifecycle":{"preStop":{"exec":{"command":["x"]}}}}`, ""},
		{"postStart null", `{}`, `{"lifecycle":{"postStart":null}}`, ""},
		{"exec", `{}`, `{"lifecycle":{"postStart":{"exec":{"command":["x"]}}}}`, ""},
		{"exec, the others null", `{}`, `{"lifecycle":{"postStart":{"exec":{"command":["x"]},"httpGet":null,"tcpSocket":null,"sleep":null}}}`, ""},
		{"httpGet", `{}`, `{"lifecycle":{"postStart":{"httpGet":{"port":80}}}}`, "it has a postStart hook that is not exec"},
		{"tcpSocket", `{}`, `{"lifecycle":{"postStart":{"tcpSocket":{"port":80}}}}`, "it has a postStart hook that is not exec"},
		{"sleep", `{}`, `{"lifecycle":{"postStart":{"sleep":{"seconds":1}}}}`, "it has a postStart hook that is not exec"},
		{"a handler that is not known", `{}`, `{"lifecycle":{"postStart":{"grpc":{"port":80}}}}`, "it has a postStart hook that is not exec"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := postStartCase(`{"securityContext":` + tt.pod + `,"containers":[` + tt.container + `]}`)
			p, spec := c.run(t)
			if tt.why == "" {
				if diff := cmp.Diff([]plan.Reason{plan.SearchByPostStart, plan.PostStartNeedsShell}, p.Reasons()); diff != "" {
					t.Errorf("reasons differ (-want +got):\n%s", diff)
				}
				if !strings.Contains(spec, `"netmode-post-start"`) {
					t.Errorf("no hook: %s", spec)
				}
				checkIdempotence(t, c, p, spec)
				return
			}
			want := []plan.Finding{
				{Rule: "search rewrite", Verdict: plan.Kept, Reason: plan.PostStartSkipped, Field: "spec.containers[0]", Detail: "no postStart hook: " + tt.why},
				{
					Rule: "search rewrite", Verdict: plan.Refused, Reason: plan.PostStartImpossible, Field: "metadata.annotations[netmode.io/search-rewrite]",
					Detail: `Invalid value: "post-start": no container can run the hook: it needs root, a writable root filesystem, ` +
						`and a postStart that is free or exec`,
				},
			}
			if diff := cmp.Diff(want, p.Trace); diff != "" {
				t.Errorf("trace differs (-want +got):\n%s", diff)
			}
			if spec != c.spec || len(p.Mutations) > 0 {
				t.Errorf("a refused pod changed: %s", spec)
			}
		})
	}
}

func TestPostStartWithoutContainers(t *testing.T) {
	p, _ := postStartCase(`{"containers":[]}`).run(t)
	if diff := cmp.Diff([]plan.Reason{plan.PostStartImpossible}, p.Reasons()); diff != "" || !p.Refused() {
		t.Errorf("refused: %t, reasons (-want +got):\n%s", p.Refused(), diff)
	}
}

// Each suitable container is hooked, exec hooks are wrapped, the rest of the
// pod stays.
func TestPostStart(t *testing.T) {
	preStop := &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 5}}
	tests := []struct {
		name, spec string
		want       corev1.PodSpec
		hooks      int
	}{
		{
			"one container", `{"containers":[{"name":"main"}]}`,
			corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Lifecycle: hook(t)}}}, 1,
		},
		{
			"preStop stays", `{"containers":[{"name":"main","lifecycle":{"preStop":{"sleep":{"seconds":5}}}}]}`,
			corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Lifecycle: &corev1.Lifecycle{PreStop: preStop, PostStart: hook(t).PostStart}}}}, 1,
		},
		{
			"exec is wrapped", `{"containers":[{"name":"main","lifecycle":{"postStart":{"exec":{"command":["/bin/sh","-c","echo \"$0\" *","a b"]}}}}]}`,
			corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Lifecycle: hook(t, "/bin/sh", "-c", `echo "$0" *`, "a b")}}}, 1,
		},
		{
			"two of four",
			`{"containers":[{"name":"a","securityContext":{"runAsUser":5}},{"name":"b"},{"name":"c","lifecycle":{"postStart":{"sleep":{"seconds":5}}}},{"name":"d"}]}`,
			corev1.PodSpec{Containers: []corev1.Container{
				{Name: "a", SecurityContext: &corev1.SecurityContext{RunAsUser: new(int64(5))}},
				{Name: "b", Lifecycle: hook(t)},
				{Name: "c", Lifecycle: &corev1.Lifecycle{PostStart: preStop}},
				{Name: "d", Lifecycle: hook(t)},
			}}, 2,
		},
		{
			"init containers have no hooks", `{"initContainers":[{"name":"i"}],"containers":[{"name":"main"}]}`,
			corev1.PodSpec{InitContainers: []corev1.Container{{Name: "i"}}, Containers: []corev1.Container{{Name: "main", Lifecycle: hook(t)}}}, 1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := postStartCase(tt.spec)
			p, spec := c.run(t)
			if diff := cmp.Diff(tt.want, podSpec(t, spec)); diff != "" {
				t.Errorf("pod differs (-want +got):\n%s", diff)
			}
			want := []string{strings.Replace(needsShell, "1 postStart", fmt.Sprint(tt.hooks)+" postStart", 1)}
			if diff := cmp.Diff(want, warnings(p)); diff != "" {
				t.Errorf("warnings differ (-want +got):\n%s", diff)
			}
			checkIdempotence(t, c, p, spec)
		})
	}
}

// Wrapping an exec hook writes its command and nothing else.
func TestPostStartKeepsUnknownFields(t *testing.T) {
	_, spec := postStartCase(`{"containers":[{"lifecycle":{"newer":1,"postStart":{"newer":2,"exec":{"newer":3,"command":["x"]}}}}]}`).run(t)
	for _, kept := range []string{`"newer":1`, `"newer":2`, `"newer":3`} {
		if !strings.Contains(spec, kept) {
			t.Errorf("%s is gone: %s", kept, spec)
		}
	}
}
