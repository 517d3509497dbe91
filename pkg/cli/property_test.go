package cli

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/manifest"
	"github.com/netmode-io/netmode/pkg/plan"
)

// manifests makes manifests of a workload and of what is around it: the same seed
// makes the same.
type manifests struct{ *rand.Rand }

type object = map[string]any

// put gives a field one of the values in one case of n.
func (m manifests) put(to object, name string, n int, values ...any) {
	if m.IntN(n) == 0 {
		to[name] = values[m.IntN(len(values))]
	}
}

// annotations ask for the mode, if there is one, and for more.
func (m manifests) annotations(mode api.Mode) object {
	asked := object{}
	if mode != "" {
		asked[api.AnnotationMode] = string(mode)
	}
	m.put(asked, api.AnnotationService, 2, "peers", "peers", "peers", "other")
	m.put(asked, api.AnnotationHostname, 3, "own", "generated", "node")
	m.put(asked, api.AnnotationWait, 4, "self", "names", "1", "3", "all")
	m.put(asked, api.AnnotationPeers, 4, "other", "peers", "other,db.storm", "own")
	m.put(asked, api.AnnotationWaitTimeout, 12, "1m")
	strategies := make([]any, 0, 6)
	for _, s := range api.SearchRewrites() {
		strategies = append(strategies, string(s))
	}
	m.put(asked, api.AnnotationSearchRewrite, 2, strategies...)
	m.put(asked, api.AnnotationStatus, 8, "{}", `{"mode":"headless","source":"annotation","service":"old","reasons":[]}`)
	return asked
}

// template has fields that controllers overwrite, and those that modes write.
func (m manifests) template(annotations object) object {
	spec := object{"containers": []any{object{"name": "c", "image": "registry.example.com/app:1", "ports": []any{object{"containerPort": 8080}}}}}
	m.put(spec, "hostname", 4, "web-0", "peers", "own", "a.b", "")
	m.put(spec, "subdomain", 4, "peers", "other", "")
	m.put(spec, "nodeName", 6, "node-1")
	m.put(spec, "hostNetwork", 3, true, true, false)
	m.put(spec, "dnsPolicy", 4, api.DNSClusterFirst, api.DNSClusterFirstWithHostNet, api.DNSNone, api.DNSDefault)
	m.put(spec, "dnsConfig", 4, object{"searches": []any{"own.example"}}, object{"nameservers": []any{"192.0.2.53"}}, object{}, nil,
		object{"searches": []any{"peers.default.svc.cluster.local"}, "options": []any{object{"name": "ndots", "value": "2"}}})
	m.put(spec, "initContainers", 5, []any{}, nil, []any{object{"name": "first", "image": "registry.example.com/init:1"}})
	m.put(spec, "setHostnameAsFQDN", 12, true, false)
	m.put(spec, "affinity", 6, object{"nodeAffinity": object{"requiredDuringSchedulingIgnoredDuringExecution": object{"nodeSelectorTerms": []any{
		object{"matchFields": []any{object{"key": "metadata.name", "operator": "In", "values": []any{"node-1"}}}}}}}})
	template := object{"spec": spec}
	metadata := object{"labels": object{"app": "web"}}
	m.put(metadata, "name", 8, "ignored")
	m.put(metadata, "generateName", 8, "ignored-")
	if len(annotations) > 0 || m.IntN(4) == 0 {
		metadata["annotations"] = annotations
	}
	m.put(template, "metadata", 1, metadata, metadata, metadata, metadata, nil)
	return template
}

var apiVersions = map[string]string{
	"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "ReplicaSet": "apps/v1", "Job": "batch/v1", "CronJob": "batch/v1",
}

// workload asks for the mode itself, or its template does, or neither.
func (m manifests) workload(kind string, mode api.Mode) object {
	own, below := object{}, object{}
	switch m.IntN(3) {
	case 0:
		own = m.annotations(mode)
	case 1:
		below = m.annotations(mode)
	default:
		own, below = m.annotations(""), m.annotations(mode)
	}
	spec := object{"template": m.template(below)}
	m.put(spec, "replicas", 2, 0, 1, 3)
	m.put(spec, "serviceName", 2, "peers", "peers", "other", "", nil)
	m.put(spec, "completionMode", 2, "Indexed", "NonIndexed")
	m.put(spec, "completions", 2, 1, 3)
	m.put(spec, "parallelism", 2, 1, 3)
	m.put(spec, "podManagementPolicy", 2, "Parallel")
	m.put(spec, "ordinals", 6, object{"start": 7})
	m.put(spec, "strategy", 3, object{"type": "Recreate"})
	if kind == "CronJob" {
		spec = object{"jobTemplate": object{"spec": spec}}
	}
	metadata := object{}
	m.put(metadata, "annotations", 1, own)
	m.put(metadata, "name", 1, "web", "web", "a.b")
	if m.IntN(8) == 0 {
		delete(metadata, "name")
		metadata["generateName"] = "web-"
	}
	return object{"apiVersion": apiVersions[kind], "kind": kind, "metadata": metadata, "spec": spec}
}

// around are a Namespace, which may give the mode, and Services.
func (m manifests) around(inherited api.Mode) []object {
	labels := object{}
	if inherited != "" {
		labels[api.LabelMode] = string(inherited)
	}
	m.put(labels, api.LabelPodSecurityEnforce, 8, "restricted", "baseline")
	all := []object{{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": "default", "labels": labels}}}
	for _, name := range []string{"peers", "other"} {
		spec := object{"selector": object{"app": "web"}}
		m.put(spec, "clusterIP", 2, "None")
		if m.IntN(2) == 0 {
			all = append(all, object{"apiVersion": "v1", "kind": "Service", "metadata": object{"name": name}, "spec": spec})
		}
	}
	return all
}

func stream(t *testing.T, objects ...object) string {
	t.Helper()
	var text []string
	for _, o := range objects {
		document, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, string(document))
	}
	return strings.Join(text, "---\n")
}

// TestRenderTwice renders workloads of every kind, in every mode, asked for or
// inherited: what render wrote stays as it is when it is rendered again.
func TestRenderTwice(t *testing.T) {
	const rounds = 40 / fewer
	for i, kind := range slices.Sorted(maps.Keys(apiVersions)) {
		for j, mode := range append(api.Modes(), "") {
			for k, from := range []string{"asked", "inherited"} {
				t.Run(fmt.Sprintf("%s/%s/%s", kind, mode, from), func(t *testing.T) {
					t.Parallel()
					changed := 0
					for round := range rounds {
						m := manifests{rand.New(rand.NewPCG(uint64(round), uint64(100*i+10*j+k)))} //nolint:gosec // reproducible, no secret
						asked, given := mode, api.Mode("")
						if from == "inherited" {
							asked, given = "", mode
						}
						text := stream(t, append(m.around(given), m.workload(kind, asked))...)
						if renderTwice(t, text, m.settings(t), m.settings(t)) {
							changed++
						}
					}
					alwaysRefused := kind == "StatefulSet" && mode == api.ModeHeadless
					if changed == 0 && mode != "" && !alwaysRefused {
						t.Error("nothing was changed")
					}
				})
			}
		}
	}
}

// settings know the cluster's DNS, or not.
func (m manifests) settings(t *testing.T) *engine.Settings {
	t.Helper()
	flags := newInputs().decision
	flags.InitImage = "registry.example.com/netmode:v1"
	if m.IntN(4) > 0 {
		flags.ClusterDNS, flags.ClusterDomain = []string{"10.96.0.10"}, "cluster.local"
	}
	settings, _, err := flags.Settings()
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

// renderTwice reports whether the text was rendered to another. Later, the cluster's DNS
// may have become known, or not be known any more.
func renderTwice(t *testing.T, text string, settings, later *engine.Settings) bool {
	t.Helper()
	first, all := rendered(t, text, settings)
	d := all[len(all)-1]
	if d.plan.Refused() {
		return false
	}
	checkOverwritten(t, text, d)
	if d.plan.Has(plan.NotApplicable) {
		later = settings // what is set aside for want of facts is served when they come
	}
	second, again := rendered(t, first, later)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Fatalf("the second render changes what the first wrote (-first +second):\n%s\n%q\nof\n%s", diff, findings(again[len(again)-1].plan, plan.Refused), text)
	}
	return first != text
}

// checkOverwritten holds what is told of a template's hostname and subdomain to what the
// controllers do with them: a StatefulSet's writes both, an Indexed Job's the hostname.
func checkOverwritten(t *testing.T, text string, d *decided) {
	t.Helper()
	spec := specOf(t, d.object.JSON)
	if jobTemplate, ok := spec["jobTemplate"].(object); ok {
		spec, _ = jobTemplate["spec"].(object)
	}
	template, _ := spec["template"].(object)
	pod, _ := template["spec"].(object)
	hostname, _ := pod["hostname"].(string)
	subdomain, _ := pod["subdomain"].(string)
	service, _ := spec["serviceName"].(string)
	if service == "" {
		service = d.plan.Service
	}
	serves := d.plan.Mode != "" && d.plan.Mode != api.ModeDefault
	set, indexed := d.object.Kind == "StatefulSet", strings.HasSuffix(d.object.Kind, "Job") && spec["completionMode"] == "Indexed"
	for field, want := range map[string]bool{
		"hostname":  serves && hostname != "" && (set || indexed),
		"subdomain": serves && subdomain != "" && set && subdomain != service,
	} {
		field = d.template.Workload.Template + ".spec." + field
		told := slices.ContainsFunc(d.plan.Findings(plan.Warned), func(f plan.Finding) bool { return f.Reason == plan.TemplateOverwritten && f.Field == field })
		if told != want {
			t.Fatalf("%s is told of: %t, want %t: %q\n%s", field, told, want, findings(d.plan, plan.Warned), text)
		}
	}
}

func specOf(t *testing.T, raw []byte) object {
	t.Helper()
	spec, ok := parse(t, raw)["spec"].(object)
	if !ok {
		t.Fatalf("no spec in %s", raw)
	}
	return spec
}

// rendered is what render writes, and what was decided.
func rendered(t *testing.T, text string, settings *engine.Settings) (string, []*decided) {
	t.Helper()
	f, err := manifest.Read("stream", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	all, _, err := newInputs().decide([]*manifest.File{f}, settings)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := applyAll(all); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return string(f.Bytes()), all
}
