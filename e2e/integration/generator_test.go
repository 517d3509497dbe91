package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
)

// generator makes policies, namespaces and pods that rules of policies are about, most often at
// the border of what a rule allows: the same seed makes the same objects.
type generator struct {
	*rand.Rand
	pods int
}

func newGenerator(seed uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 2026))} //nolint:gosec // reproducible, no secret
}

// members are a JSON object.
type members = map[string]any

// absent is the value of a member that is left out.
type absent struct{}

func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, values ...T) T { return values[g.IntN(len(values))] }

// put gives a member one of the values, or leaves it out.
func (g *generator) put(m members, name string, values ...any) {
	if v := pick(g, values...); v != (any)(absent{}) {
		m[name] = v
	}
}

// namespaceLabels are those that decide which statuses are believed.
func (g *generator) namespaceLabels() map[string]string {
	labels := map[string]string{}
	if g.oneIn(2) {
		labels[api.LabelMode] = pick(g, "hostnetwork", "hostnetwork", "headless", "statefulset-headless", "default", "hostnet")
	}
	if g.oneIn(2) {
		labels[api.LabelPolicy] = pick(g, api.PolicyEnabled, api.PolicyEnabled, "disabled")
	}
	return labels
}

// rules say which members a policy has: one of the combinations.
type rules struct {
	allowedModes, requireMode, requireDeclaredPorts, portRange, podSelector bool
	allowUnmanaged                                                          any // absent, true or false
	enforcement                                                             api.Enforcement
}

// combinations are all that there are, in their order.
func combinations() []rules {
	var all []rules
	both := []bool{false, true}
	for _, allowedModes := range both {
		for _, requireMode := range both {
			for _, requireDeclaredPorts := range both {
				for _, portRange := range both {
					for _, podSelector := range both {
						for _, allowUnmanaged := range []any{absent{}, false, true} {
							for _, enforcement := range api.Enforcements() {
								all = append(all, rules{allowedModes, requireMode, requireDeclaredPorts, portRange, podSelector, allowUnmanaged, enforcement})
							}
						}
					}
				}
			}
		}
	}
	return all
}

// policy is the spec of a policy with these rules, without its namespaceSelector.
func (g *generator) policy(r rules) members {
	spec := members{"enforcement": string(r.enforcement)}
	if r.allowedModes {
		modes := api.Modes()
		g.Shuffle(len(modes), func(i, j int) { modes[i], modes[j] = modes[j], modes[i] })
		spec["allowedModes"] = modes[:1+g.IntN(len(modes))]
	}
	if r.requireMode {
		spec["requireMode"] = true
	}
	hostNetwork := members{}
	g.put(hostNetwork, "allowUnmanaged", r.allowUnmanaged)
	if r.requireDeclaredPorts {
		hostNetwork["requireDeclaredPorts"] = true
	}
	if r.portRange {
		ends := pick(g, [2]int{20000, 29999}, [2]int{8080, 8080}, [2]int{1024, 65535}, [2]int{1, 1023})
		hostNetwork["portRange"] = members{"min": ends[0], "max": ends[1]}
	}
	if len(hostNetwork) > 0 || g.oneIn(4) {
		spec["hostNetwork"] = hostNetwork
	}
	if r.podSelector {
		expression := func(operator string, values ...any) members {
			e := members{"key": "tier", "operator": operator}
			if len(values) > 0 {
				e["values"] = values
			}
			return members{"matchExpressions": []any{e}}
		}
		g.put(spec, "podSelector", members{}, members{"matchLabels": members{"tier": "front"}}, members{"matchLabels": members{"tier": "front", "app": "web"}},
			expression("In", "front", "back"), expression("NotIn", "front"), expression("Exists"), expression("DoesNotExist"))
	}
	return spec
}

// ports are at the ends of the policies' ranges, and beyond.
func (g *generator) port() int {
	return pick(g, 1, 1023, 1024, 8079, 8080, 8081, 19999, 20000, 25000, 29999, 30000, 65535)
}

// pod is one that Kubernetes accepts, most often. Its name is its own.
func (g *generator) pod() members {
	g.pods++
	metadata := members{"name": fmt.Sprintf("pod-%d", g.pods)}
	if labels := g.labels(); len(labels) > 0 || g.oneIn(3) {
		metadata["labels"] = labels
	}
	if annotations := g.annotations(); len(annotations) > 0 || g.oneIn(3) {
		metadata["annotations"] = annotations
	}
	spec := members{}
	onHost := g.oneIn(2)
	if onHost {
		spec["hostNetwork"] = true
	} else {
		g.put(spec, "hostNetwork", absent{}, absent{}, false)
	}
	g.put(spec, "dnsPolicy", absent{}, absent{}, api.DNSClusterFirst, api.DNSClusterFirstWithHostNet, api.DNSDefault)
	if g.oneIn(3) {
		spec["subdomain"] = "peers"
		g.put(spec, "hostname", absent{}, "peers", metadata["name"])
	}
	used := map[int]bool{}
	containers := func(kind string, usual int) []any {
		var all []any
		for i := range g.count(usual) {
			container := members{"name": fmt.Sprintf("%s-%d", kind, i), "image": "i"}
			restarts := kind == "init" && g.oneIn(2)
			if restarts {
				container["restartPolicy"] = "Always"
			}
			if ports := g.ports(onHost, used); ports != nil {
				container["ports"] = ports
			}
			all = append(all, container)
		}
		return all
	}
	spec["containers"] = containers("app", 1)
	if init := containers("init", 0); init != nil || g.oneIn(5) {
		spec["initContainers"] = init // nil becomes null
	}
	if g.oneIn(40) {
		delete(spec, "initContainers")
		spec["containers"] = []any{members{"name": "app-0", "image": "i", "ports": g.manyPorts(onHost)}}
	}
	g.put(metadata, "generateName", absent{}, absent{}, absent{}, "pod-")
	return members{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
}

// count is the usual number or some more, seldom so many as may be, or one more than that.
func (g *generator) count(usual int) int {
	const most = 100
	if g.oneIn(40) {
		return most + g.IntN(2)
	}
	return usual + pick(g, 0, 0, 0, 1, 2)
}

// ports are as a pod on the host network may have them, or any other: none is there twice, since
// Kubernetes refuses that in many a pod.
func (g *generator) ports(onHost bool, used map[int]bool) any {
	if g.oneIn(3) {
		return pick[any](g, nil, nil, []any{})
	}
	ports := []any{}
	for range 1 + g.IntN(2) {
		number := g.port()
		if used[number] {
			continue
		}
		used[number] = true
		port := members{"containerPort": number}
		g.put(port, "protocol", absent{}, absent{}, "TCP", "UDP")
		switch {
		case onHost:
			g.put(port, "hostPort", absent{}, absent{}, number)
		case g.oneIn(3):
			host := pick(g, number, g.port())
			if host == number || !used[host] {
				used[host] = true
				port["hostPort"] = host
			}
		default:
			g.put(port, "hostPort", absent{}, absent{}, 0)
		}
		ports = append(ports, port)
	}
	return ports
}

// manyPorts are so many as a pod may have, or one more.
func (g *generator) manyPorts(onHost bool) []any {
	const most = 1000
	ports := []any{}
	for i := range most + g.IntN(2) {
		port := members{"containerPort": 20000 + i}
		if onHost {
			g.put(port, "hostPort", absent{}, 20000+i)
		}
		ports = append(ports, port)
	}
	return ports
}

func (g *generator) labels() members {
	labels := members{}
	g.put(labels, "tier", absent{}, "front", "back", "other")
	g.put(labels, "app", absent{}, "web")
	if g.oneIn(6) {
		labels[api.LabelIgnore] = pick(g, "true", "true", "false")
	}
	return labels
}

func (g *generator) annotations() members {
	annotations := members{}
	if g.oneIn(2) {
		annotations[api.AnnotationMode] = pick(g, "hostnetwork", "hostnetwork", "default", "headless", "statefulset-headless", "", "hostnet")
	}
	if g.oneIn(2) {
		annotations[api.AnnotationStatus] = g.status()
	}
	if g.oneIn(4) {
		annotations[api.AnnotationService] = "peers"
	}
	g.put(annotations, "example.com/team", absent{}, "storm")
	if g.oneIn(50) {
		for i := range 501 {
			annotations[fmt.Sprintf("example.com/%d", i)] = ""
		}
	}
	return annotations
}

// status is one that netmode writes, or one that somebody forges.
func (g *generator) status() string {
	mode := pick(g, "hostnetwork", "hostnetwork", "hostnetwork", "headless", "statefulset-headless", "default", "", "hostnet")
	source := pick(g, "namespace", "namespace", "policy", "policy", "annotation", "", "other")
	switch g.IntN(8) {
	case 0:
		return pick(g, "", "{}", "null", "not JSON", `{"mode":"`+mode)
	case 1: // another order, and white space: no beginning that netmode writes
		return fmt.Sprintf(`{"source":%q,"mode":%q}`, source, mode)
	case 2:
		return fmt.Sprintf(`{"mode": %q, "source": %q}`, mode, source)
	case 3:
		return fmt.Sprintf(`{"mode":%q,"source":%q,"policy":"p","strategy":"none","reasons":["HostNetworkSet"]}`, mode, source)
	}
	return fmt.Sprintf(`{"mode":%q,"source":%q}`, mode, source)
}

func encoded(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestGeneratorRepeats: a failure can be looked into by its seed.
func TestGeneratorRepeats(t *testing.T) {
	t.Parallel()
	made := func(seed uint64) []byte {
		g := newGenerator(seed)
		all := []any{g.namespaceLabels()}
		for _, r := range combinations()[:50] {
			all = append(all, g.policy(r), g.pod())
		}
		return encoded(t, all)
	}
	for seed := range uint64(5) {
		a, b := made(seed), made(seed)
		if !bytes.Equal(a, b) {
			t.Fatalf("seed %d makes two worlds:\n%s\n%s", seed, a, b)
		}
		if bytes.Equal(a, made(seed+1)) {
			t.Errorf("seeds %d and %d make the same world", seed, seed+1)
		}
	}
}
