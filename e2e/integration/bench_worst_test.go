package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// worstPods are pods that cost much to look at; the API server itself takes them.
func worstPods() []worstPod {
	return []worstPod{
		{"60,000 annotations", func(pod *corev1.Pod) {
			for i := range 60_000 {
				pod.Annotations[fmt.Sprintf("%04s", strconv.FormatInt(int64(i), 36))] = "" // all of them at most 256 KiB
			}
		}},
		{"60,000 ports", func(pod *corev1.Pod) {
			for i := range int32(60_000) {
				pod.Spec.Containers[0].Ports = append(pod.Spec.Containers[0].Ports, corev1.ContainerPort{ContainerPort: i + 1})
			}
		}},
		{"a review of 8.7 MB", func(pod *corev1.Pod) { // encoding/json writes each < as six bytes
			pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "PADDING", Value: strings.Repeat("<", 1_450_000)}}
		}},
	}
}

type worstPod struct {
	name string
	grow func(*corev1.Pod)
}

// make returns the pod as a client sends it: with < as one byte.
func (p *worstPod) make(t *testing.T, asks, hostNetwork bool) []byte {
	t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "worst", Annotations: map[string]string{}},
		Spec:       corev1.PodSpec{HostNetwork: hostNetwork, Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}
	p.grow(pod)
	if asks {
		pod.Annotations[api.AnnotationMode] = string(api.ModeHostNetwork)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(pod); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// measureWorst sends each of the worst pods to three namespaces: to one that everybody leaves
// alone, and with a policy, asking for nothing and asking. It prints what that cost.
func (b *bench) measureWorst(t *testing.T) {
	t.Helper()
	const times = 3
	s := &stage{policies: 1, match: true, selector: "{matchLabels: {team: bench-worst}}", marked: b.world.namespace(t, map[string]string{"team": "bench-worst"})}
	b.enforce(t, s)
	defer b.lift(t, s)
	apiServer := b.world.pid(t, "kube-apiserver")
	_, _ = fmt.Fprintf(t.Output(), "\nWorst pods, each %d times: the least that was seen of the time and of each process's CPU, in milliseconds.\n\n%-20s %-34s %8s %11s %9s  %s\n",
		times, "pod", "where", "time", "API server", "netmode", "answer")
	for _, pod := range worstPods() {
		for _, where := range []struct {
			what, namespace   string
			asks, hostNetwork bool
		}{
			{noAdmission, metav1.NamespaceSystem, false, false},
			{noAdmission + ", hostNetwork", metav1.NamespaceSystem, false, true},
			{"a policy, nothing asked", s.marked, false, false},
			{"a policy, hostNetwork by hand", s.marked, false, true},
			{"a policy, hostnetwork asked", s.marked, true, false},
		} {
			object := pod.make(t, where.asks, where.hostNetwork)
			least := cost{time.Hour, time.Hour, time.Hour}
			said := ""
			for range times {
				before := cost{apiServer: cpuOf(t, apiServer), netmode: cpuOf(t, b.world.webhook.cmd.Process.Pid)}
				began := time.Now()
				a := b.world.post(t.Context(), where.namespace, "pods", object, dryRun)
				took := time.Since(began)
				least.time = min(least.time, took)
				least.apiServer = min(least.apiServer, cpuOf(t, apiServer)-before.apiServer)
				least.netmode = min(least.netmode, cpuOf(t, b.world.webhook.cmd.Process.Pid)-before.netmode)
				said = inShort(a)
			}
			_, _ = fmt.Fprintf(t.Output(), "%-20s %-34s %8d %11d %9d  %s\n", pod.name, where.what,
				least.time.Milliseconds(), least.apiServer.Milliseconds(), least.netmode.Milliseconds(), said)
		}
	}
}

// cost is what one request took.
type cost struct{ time, apiServer, netmode time.Duration }

var reasonCode = regexp.MustCompile(`\(([A-Z]\w+)\)`)

// inShort is what became of a request: the reason code of its refusal, or how that ends.
func inShort(a *answer) string {
	if a.err == nil {
		return "accepted"
	}
	text := a.err.Error()
	if found := reasonCode.FindStringSubmatch(text); found != nil {
		return "refused (" + found[1] + ")"
	}
	const most = 60
	return "refused …" + text[max(0, len(text)-most):]
}

// cpuOf is the CPU time of a process, user and system, in steps of 10 ms.
func cpuOf(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	// proc_pid_stat(5): behind the name, which may hold anything, utime and stime are 12th and 13th.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	total := time.Duration(0)
	for _, field := range fields[11:13] {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		total += time.Duration(ticks) * 10 * time.Millisecond
	}
	return total
}

// pid is that of the world's process of a program.
func (w *world) pid(t *testing.T, program string) int {
	t.Helper()
	pids, err := os.ReadFile(w.life.pids())
	if err != nil {
		t.Fatal(err)
	}
	for pid := range strings.FieldsSeq(string(pids)) {
		path, err := os.Readlink("/proc/" + pid + "/exe")
		if err != nil || filepath.Base(path) != program {
			continue // it has ended, or is another
		}
		number, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		return number
	}
	t.Fatalf("no process of %s", program)
	return 0
}

// TestInShort: the reason code of a refusal, wherever it stands.
func TestInShort(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"accepted":                           nil,
		"refused (PolicyPortOutOfRange)":     fmt.Errorf("pods \"p\" is forbidden: spec.containers: policy p (PolicyPortOutOfRange)"),
		"refused …context deadline exceeded": context.DeadlineExceeded,
	} {
		if got := inShort(&answer{err: err}); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
