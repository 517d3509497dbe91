package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// withoutGeneratedName is the pod without the name that only the webhook gives it,
// which is its hostname.
func withoutGeneratedName(t *testing.T, pod []byte) []byte {
	t.Helper()
	object := parse(t, pod)
	metadata, _ := object["metadata"].(map[string]any)
	spec, _ := object["spec"].(map[string]any)
	if metadata["name"] == nil || metadata["name"] != spec["hostname"] {
		t.Errorf("the name %v and the hostname %v", metadata["name"], spec["hostname"])
	}
	delete(metadata, "name")
	delete(spec, "hostname")
	rest, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return rest
}

func hasKept(p *plan.Plan, reason plan.Reason) bool {
	return slices.ContainsFunc(p.Findings(plan.Kept), func(f plan.Finding) bool { return f.Reason == reason })
}

// withoutHostnameEnv is the pod without the variable that only the webhook gives to each
// pod of a template.
func withoutHostnameEnv(t *testing.T, pod []byte) []byte {
	t.Helper()
	object := parse(t, pod)
	spec, _ := object["spec"].(map[string]any)
	for _, list := range []string{"initContainers", "containers"} {
		containers, _ := spec[list].([]any)
		for _, c := range containers {
			container, _ := c.(map[string]any)
			env, _ := container["env"].([]any)
			if len(env) == 0 {
				continue
			}
			first, _ := env[0].(map[string]any)
			if first["name"] != api.EnvHostname || first["valueFrom"] != nil { // its author's
				continue
			}
			if first["value"] != spec["hostname"] && spec["hostname"] != nil {
				t.Errorf("%v in a pod of hostname %v", first, spec["hostname"])
			}
			if container["env"] = env[1:]; len(env) == 1 {
				delete(container, "env")
			}
		}
	}
	rest, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return rest
}

// wantInEnv holds an answer to give the sidecar, the first container, its pod's hostname.
func wantInEnv(t *testing.T, response *admissionv1.AdmissionResponse) {
	t.Helper()
	if patch := string(response.Patch); !strings.Contains(patch, `"path":"/spec/containers/0/env","value":[{"name":"NETMODE_HOSTNAME"`) || strings.Contains(patch, "/spec/containers/1") {
		t.Errorf("the call with a sidecar got the patch %s", patch)
	}
}

// withoutWait is the pod without the init container that waits for its own name, which
// a template does not know.
func withoutWait(t *testing.T, pod []byte) []byte {
	t.Helper()
	object := parse(t, pod)
	spec, _ := object["spec"].(map[string]any)
	list, _ := spec["initContainers"].([]any)
	rest := slices.DeleteFunc(slices.Clone(list), func(c any) bool {
		container, _ := c.(map[string]any)
		return container["name"] == "netmode-wait"
	})
	if len(rest) != len(list)-1 {
		t.Errorf("%d init containers of %d do not wait", len(rest), len(list))
	}
	if spec["initContainers"] = rest; len(rest) == 0 {
		delete(spec, "initContainers")
	}
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
