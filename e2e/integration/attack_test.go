package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/netmode-io/netmode/pkg/api"
)

// attack is what a tenant sends through the API server, and what has to become of it.
type attack struct {
	name string
	// labels are those of its namespace.
	labels map[string]string
	pod    string
	// want is in the refusal.
	want string
	// mutated says that the webhook is asked, so that the attack fails differently without it.
	mutated bool
}

// forged is a pod on the host network by hand, with a status that it wrote itself.
func forged(status string) string {
	return `{"metadata":{"name":"p","annotations":{"netmode.io/status":` + fmt.Sprintf("%q", status) + `}},"spec":{"hostNetwork":true,"containers":[{"name":"c","image":"i"}]}}`
}

func onHostNetwork(metadata, spec string) string {
	return `{"metadata":{"name":"p"` + metadata + `},"spec":{"hostNetwork":true` + spec + `,"containers":[{"name":"c","image":"i"}]}}`
}

// policyAttacks all try to get a pod onto the host network where a policy allows mode hostnetwork
// and nobody to do so by hand, or past its range of ports.
func policyAttacks() []attack {
	const (
		unmanaged = "(PolicyHostNetworkUnmanaged)"
		outside   = "(PolicyPortOutOfRange)"
		tooLarge  = "(PodTooLarge)"
	)
	enabled, hasMode := map[string]string{api.LabelPolicy: api.PolicyEnabled}, map[string]string{api.LabelMode: "headless"}
	padding := `,"env":[{"name":"PADDING","value":"` + strings.Repeat("<", 1_450_000) + `"}]`
	status := func(source string) string {
		return `{"mode":"hostnetwork","source":"` + source + `","policy":"p","reasons":["HostNetworkSet"]}`
	}
	return []attack{
		{"host network by hand", nil, onHostNetwork("", ""), unmanaged, false},
		{"the same, padded to a review of 8.7 MB", nil, `{"metadata":{"name":"p"},"spec":{"hostNetwork":true,"containers":[{"name":"c","image":"i"` + padding + `}]}}`, unmanaged, false},
		{"padded, where the webhook is asked, too", enabled, `{"metadata":{"name":"p"},"spec":{"hostNetwork":true,"containers":[{"name":"c","image":"i"` + padding + `}]}}`, unmanaged, false},
		{"the label that has netmode ignore it", nil, onHostNetwork(`,"labels":{"netmode.io/ignore":"true"}`, ""), unmanaged, false},
		{"ignored, though it asks for the mode", nil, onHostNetwork(`,"labels":{"netmode.io/ignore":"true"},"annotations":{"netmode.io/mode":"hostnetwork"}`, ""), unmanaged, true},
		{"the annotation of a mirror pod", nil, onHostNetwork(`,"annotations":{"kubernetes.io/config.mirror":"x"}`, `,"nodeName":"n"`), unmanaged, false},
		{"a system-critical priority class", nil, onHostNetwork("", `,"priorityClassName":"system-node-critical"`), unmanaged, false},
		{"status of a policy, in another namespace", nil, forged(status("policy")), unmanaged, false},
		{"status of a namespace, in another namespace", nil, forged(status("namespace")), unmanaged, false},
		{"status of an annotation", nil, forged(status("annotation")), unmanaged, false},
		{"status of a namespace of another mode", hasMode, forged(status("namespace")), unmanaged, true},
		{"status of a policy, where policies give", enabled, forged(status("policy")), unmanaged, true},
		{"status of a namespace, where policies give", enabled, forged(status("namespace")), unmanaged, false},
		{"60,000 annotations", nil, onHostNetwork(`,"annotations":{`+joined(60_000, func(i int) string { return fmt.Sprintf(`"a%d":""`, i) })+`}`, ""), "", true},
		{"a hostPort off the host network", nil, `{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":80,"hostPort":80}]}]}}`, outside, false},
		{"60,000 ports", nil, `{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i","ports":[` + joined(60_000, func(i int) string { return fmt.Sprintf(`{"containerPort":%d}`, i+1) }) + `]}]}}`, tooLarge, false},
		{"1,001 containers", nil, `{"metadata":{"name":"p"},"spec":{"containers":[` + joined(1001, func(i int) string { return fmt.Sprintf(`{"name":"c%d","image":"i"}`, i) }) + `]}}`, tooLarge, false},
	}
}

func joined(n int, item func(int) string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(item(i))
	}
	return b.String()
}

const hostNetworkOnly = `{"allowedModes":["hostnetwork"],"hostNetwork":{"allowUnmanaged":false,"portRange":{"min":20000,"max":29999}}}`

// TestAttacks: what a policy forbids stays forbidden whatever a tenant sends, and costs little;
// also while no webhook runs. It stops what all share, so it runs alone.
func TestAttacks(t *testing.T) {
	all := policyAttacks()
	policies := make([]*enforcedPolicy, len(all))
	for i := range all {
		policies[i] = shared.enforcedIn(t, shared.namespace(t, all[i].labels), hostNetworkOnly)
	}
	for _, p := range policies {
		p.wantDenied(t)
	}
	t.Run("netmode runs", func(t *testing.T) { sendAttacks(t, all, policies, true) })
	listen := shared.webhook.started.Listen
	if err := shared.webhook.kill(); err != nil {
		t.Fatal(err)
	}
	shared.stopController(t)
	t.Run("nothing of netmode runs", func(t *testing.T) { sendAttacks(t, all, policies, false) })
	if err := shared.startWebhook(t.Context(), listen, shared.usual...); err != nil {
		t.Fatal(err)
	}
	shared.restartController(t)
}

// sendAttacks prints what each cost, and wants it refused.
func sendAttacks(t *testing.T, all []attack, policies []*enforcedPolicy, running bool) {
	t.Helper()
	apiServer := shared.pid(t, "kube-apiserver")
	webhook := func() time.Duration {
		if !running {
			return 0
		}
		return cpuOf(t, shared.webhook.cmd.Process.Pid)
	}
	t.Logf("%-48s %9s %12s %10s  %s", "attack", "time", "API server", "netmode", "answer")
	for i, a := range all {
		if !running && a.mutated {
			continue // the webhook's own part is missing
		}
		before, own, began := cpuOf(t, apiServer), webhook(), time.Now()
		got := shared.post(t.Context(), policies[i].namespace, "pods", []byte(a.pod), dryRun)
		t.Logf("%-48s %6d ms %9d ms %7d ms  %s", a.name, time.Since(began).Milliseconds(), (cpuOf(t, apiServer) - before).Milliseconds(), (webhook() - own).Milliseconds(), inShort(got))
		if got.err == nil || !strings.Contains(got.err.Error(), a.want) {
			t.Errorf("%s: %v, want a refusal with %q", a.name, inShort(got), a.want)
		}
	}
}
