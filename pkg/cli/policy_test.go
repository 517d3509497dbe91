package cli

import (
	"fmt"
	"strings"
	"testing"
)

const hostOnly = `apiVersion: policy.netmode.io/v1alpha1
kind: NetworkModePolicy
metadata: {name: host-only}
spec:
  namespaceSelector: {matchLabels: {team: batch}}
  allowedModes: [hostnetwork]
  defaultMode: hostnetwork
`

// Policies come from files of their own, and namespaces that no manifest tells
// of have the labels of the flag.
func TestPolicyFlags(t *testing.T) {
	policies := write(t, "policies.yaml", hostOnly+"---\napiVersion: v1\nkind: Namespace\nmetadata: {name: web, labels: {team: web}}\n")
	pods := write(t, "pods.yaml", strings.Replace(plainPod, "{name: plain}", "{name: plain, namespace: web}", 1)+"---\n"+plainPod)
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"unchanged, no mode asked for", "unchanged, no mode asked for"}},
		{[]string{"--policy", policies}, []string{"unchanged, no mode asked for", "unchanged, no mode asked for"}},
		{[]string{"--policy", policies, "--namespace-labels", "team=batch"}, []string{"unchanged, no mode asked for", "unchanged, no mode asked for"}},
		{[]string{"--policy", policies, "--namespace-labels", "team=batch,netmode.io/policy=enabled"}, []string{"unchanged, no mode asked for", "patched, mode hostnetwork from policy host-only"}},
		{[]string{"--policy", policies, "--namespace-labels", "team=batch,netmode.io/mode=hostnetwork"}, []string{"unchanged, no mode asked for", "patched, mode hostnetwork from its namespace"}},
	} {
		got := netmode(t, append([]string{"explain", "-f", pods}, tt.args...)...)
		var decisions []string
		for line := range strings.Lines(got.out) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "unchanged") || strings.HasPrefix(line, "patched") {
				decisions = append(decisions, line)
			}
		}
		if got.code != 0 || strings.Join(decisions, "\n") != strings.Join(tt.want, "\n") {
			t.Errorf("%q: exit code %d, %q, want %q; %s", tt.args, got.code, decisions, tt.want, got.err)
		}
	}
}

// A policy selects a namespace by its name, whatever else is known of it.
func TestPolicyByName(t *testing.T) {
	pod := write(t, "pod.yaml", gatePod)
	policy := func(selector string) string {
		return write(t, "policy.yaml", "apiVersion: policy.netmode.io/v1alpha1\nkind: NetworkModePolicy\nmetadata: {name: p}\n"+
			"spec: {namespaceSelector: "+selector+", allowedModes: [headless], enforcement: Warn}\n"+
			"---\napiVersion: v1\nkind: Namespace\nmetadata: {name: manifest, labels: {team: gates}}\n")
	}
	const is, isNot = "{matchLabels: {kubernetes.io/metadata.name: %s}}", "{matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [%s]}]}"
	for _, namespace := range []string{"manifest", "flag"} {
		for selector, want := range map[string]bool{
			fmt.Sprintf(is, namespace): true, fmt.Sprintf(is, "another"): false,
			fmt.Sprintf(isNot, namespace): false, fmt.Sprintf(isNot, "another"): true,
		} {
			args := []string{"-f", pod, "-n", namespace, "--policy", policy(selector)}
			for what, got := range map[string]result{"explain": netmode(t, append([]string{"explain"}, args...)...), "demo": demo(t, "netmode-webhook", args...)} {
				judged := strings.Contains(got.out, "PolicyModeNotAllowed")
				if got.code != 0 || judged != want {
					t.Errorf("%s in %s with %s: exit code %d, judged %v, want %v\n%s%s", what, namespace, selector, got.code, judged, want, got.out, got.err)
				}
			}
		}
	}
}

// Of two policies, or Namespaces, of one name, the one of --policy counts.
func TestPolicyFlagWins(t *testing.T) {
	const spaces = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {team: %s, netmode.io/policy: enabled}}\n"
	manifests := write(t, "manifests.yaml", fmt.Sprintf(spaces, "web")+"---\n"+strings.ReplaceAll(hostOnly, "hostnetwork", "headless")+"---\n"+plainPod)
	policies := write(t, "policies.yaml", fmt.Sprintf(spaces, "batch")+"---\n"+hostOnly)
	if got := netmode(t, "explain", "-f", manifests, "--policy", policies); !strings.Contains(got.out, "  patched, mode hostnetwork from policy host-only\n") {
		t.Errorf("explain: %+v", got)
	}
	if got := demo(t, "netmode-webhook", "-f", manifests, "--policy", policies); !strings.Contains(got.out, `{"mode":"hostnetwork","source":"policy","policy":"host-only",`) {
		t.Errorf("demo: %+v", got)
	}
}

func TestBadPolicyInput(t *testing.T) {
	pod := write(t, "pod.yaml", plainPod)
	policy := func(spec string) string {
		return write(t, "policy.yaml", "# first\napiVersion: policy.netmode.io/v1alpha1\nkind: NetworkModePolicy\nmetadata: {name: p}\nspec: "+spec+"\n")
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown field", []string{"--policy", policy("{namespaceSelector: {}, modes: [headless]}")}, ":2: NetworkModePolicy/p: spec.modes: is no field of a NetworkModePolicy: correct it or remove it"},
		{"unknown field, deep", []string{"--policy", policy("{namespaceSelector: {}, hostNetwork: {portRange: {from: 1}}}")}, "spec.hostNetwork.portRange.from: is no field of a NetworkModePolicy"},
		{"wrong type", []string{"--policy", policy("{namespaceSelector: {}, priority: high}")}, "spec.priority: is a string, and must be a whole number"},
		{"empty range", []string{"-f", policy("{namespaceSelector: {}, allowedModes: []}")}, "spec.allowedModes: Invalid value: "},
		{"no selector", []string{"-f", policy("{}")}, "spec.namespaceSelector: Required value: write {} to select all namespaces"},
		{"no spec", []string{"-f", policy("")}, "spec.namespaceSelector: Required value"},
		{"another kind", []string{"--policy", pod}, ":1: Pod/plain: is neither a NetworkModePolicy nor a Namespace: name it with -f"},
		{"no such file", []string{"--policy", "/nonexistent"}, "--policy: /nonexistent: cannot be read"},
		{"labels", []string{"--namespace-labels", "a b=c"}, "--namespace-labels a b=c: not a label: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, command := range []string{"render", "explain"} {
				got := netmode(t, append([]string{command, "-f", pod}, tt.args...)...)
				if got.code != 1 || !strings.Contains(got.err, tt.want) || got.out != "" {
					t.Errorf("%s: exit code %d, output %q, error %s\nwant %s in it", command, got.code, got.out, got.err, tt.want)
				}
			}
		})
	}
}
