package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/api/apitest"
	"github.com/netmode-io/netmode/pkg/plan"
)

func unused(key, why string) string {
	return "warned AnnotationUnused metadata.annotations[" + key + "]: it does nothing here " + why + ": remove it, or choose the mode that it belongs to"
}

func unknown(key, nearest string) string {
	return "warned AnnotationUnknown metadata.annotations[" + key + "]: the key means nothing to netmode; the nearest that does is " + nearest + ": correct the key or remove it"
}

// TestUnusedAnnotations writes out which keys mean something to which mode, on
// a Pod and on a Service. The others are warned of.
func TestUnusedAnnotations(t *testing.T) {
	values := map[string]string{
		api.AnnotationService:                  "peers",
		api.AnnotationSearchRewrite:            "none",
		api.AnnotationHostname:                 "own",
		api.AnnotationPeers:                    "workers",
		api.AnnotationWait:                     "peers-0",
		api.AnnotationWaitTimeout:              "1m",
		api.AnnotationPublishNotReadyAddresses: "true",
	}
	used := map[string][]string{
		"Pod/":                         {api.AnnotationPeers},
		"Pod/default":                  {api.AnnotationPeers},
		"Pod/hostnetwork":              {api.AnnotationService, api.AnnotationPeers},
		"Pod/headless":                 {api.AnnotationService, api.AnnotationPeers},
		"Pod/statefulset-headless":     {api.AnnotationService, api.AnnotationSearchRewrite, api.AnnotationHostname, api.AnnotationPeers, api.AnnotationWait, api.AnnotationWaitTimeout},
		"Service/":                     nil,
		"Service/default":              nil,
		"Service/hostnetwork":          nil,
		"Service/headless":             {api.AnnotationPublishNotReadyAddresses},
		"Service/statefulset-headless": {api.AnnotationPublishNotReadyAddresses},
	}
	for _, mode := range append([]api.Mode{""}, api.Modes()...) {
		for _, kind := range []string{"Pod", "Service"} {
			want, listed := used[kind+"/"+string(mode)]
			if !listed {
				t.Errorf("mode %s: not said which annotations a %s may use", mode, kind)
			}
			for key, value := range values {
				annotations := []string{key, value}
				why := "without a mode"
				if mode != "" {
					annotations = append(annotations, api.AnnotationMode, string(mode))
					why = "in mode " + string(mode)
				}
				raw := annotated(`{"subdomain":"peers"}`, annotations...)
				p := decidePod(t, raw, &snapshot{})
				if kind == "Service" {
					p = decideService(t, raw)
				}
				if kind == "Pod" && mode == api.ModeHostNetwork && slices.Contains(used["Pod/statefulset-headless"], key) {
					why += " without netmode.io/service"
				}
				warned := strings.Count(strings.Join(describeAll(p), "\n"), unused(key, why))
				expected := 1
				for _, w := range want {
					if w == key {
						expected = 0
					}
				}
				if warned != expected {
					t.Errorf("%s, mode %q, %s: %d warnings, want %d: %v", kind, mode, key, warned, expected, describeAll(p))
				}
			}
		}
	}
}

// TestAnnotationsOfNames mean something in mode hostnetwork where the pod names its Service.
func TestAnnotationsOfNames(t *testing.T) {
	p := decidePod(t, annotated(`{}`, api.AnnotationMode, "hostnetwork", api.AnnotationService, "peers", api.AnnotationSearchRewrite, "none", api.AnnotationHostname, "own"), &snapshot{})
	if hasReason(p, plan.Warned, plan.AnnotationUnused) || p.Service != "peers" || p.Strategy != api.SearchNone {
		t.Errorf("%q", describeAll(p))
	}
}

// TestUnknownAnnotations are warned of with the nearest key, and do not stop a
// mode. What netmode itself writes is no author's key.
func TestUnknownAnnotations(t *testing.T) {
	raw := annotated(`{"clusterIP":"None","selector":{"a":"b"}}`, "netmode.io/Mode", "headless", "netmode.io/publish-not-ready-adresses", "true", "netmode.io.example/x", "y",
		api.AnnotationStatus, "anything", api.AnnotationCopied, "anything", api.AnnotationMode, "headless")
	wantFindings(t, decideService(t, raw),
		unknown("netmode.io/Mode", "netmode.io/mode"), unknown("netmode.io/publish-not-ready-adresses", "netmode.io/publish-not-ready-addresses"))

	raw = annotated(`{}`, "netmode.io/modes", "headless", api.AnnotationStatus, "{}", api.AnnotationCopied, "x")
	wantFindings(t, decidePod(t, raw, &snapshot{}), unknown("netmode.io/modes", "netmode.io/mode"), "kept NothingAsked", "changed StatusRemoved metadata.annotations[netmode.io/status]")
}

// TestBadAnnotations are refused on a Pod and on a new Service, each with the
// values that would do.
func TestBadAnnotations(t *testing.T) {
	modes, strategies := apitest.SupportedModes(), apitest.SupportedStrategies()
	at := func(key string) string { return "AnnotationInvalid metadata.annotations[" + key + "]: " }
	for _, test := range []struct {
		name        string
		annotations []string
		want        []string
	}{
		{"a mode that is none", []string{api.AnnotationMode, "hostnet"}, []string{at(api.AnnotationMode) + `Unsupported value: "hostnet": ` + modes}},
		{"an empty mode", []string{api.AnnotationMode, ""}, []string{at(api.AnnotationMode) + `Unsupported value: "": ` + modes}},
		{"a mode in capitals", []string{api.AnnotationMode, "HostNetwork"}, []string{at(api.AnnotationMode) + `Unsupported value: "HostNetwork": ` + modes}},
		{"a mode with a blank", []string{api.AnnotationMode, "headless "}, []string{at(api.AnnotationMode) + `Unsupported value: "headless ": ` + modes}},
		{"a strategy that is none", []string{api.AnnotationMode, "statefulset-headless", api.AnnotationSearchRewrite, "first"},
			[]string{at(api.AnnotationSearchRewrite) + `Unsupported value: "first": ` + strategies}},
		{"a Service's full name", []string{api.AnnotationMode, "headless", api.AnnotationService, "peers.storm"},
			[]string{at(api.AnnotationService) + `Invalid value: "peers.storm": must be the name of a Service in the pod's namespace: must not contain dots`}},
		{"publishing maybe", []string{api.AnnotationMode, "headless", api.AnnotationPublishNotReadyAddresses, "yes"},
			[]string{at(api.AnnotationPublishNotReadyAddresses) + `Unsupported value: "yes": supported values: "true", "false"`}},
		{"a bad value of a key that the mode does not use", []string{api.AnnotationMode, "default", api.AnnotationSearchRewrite, "x"},
			[]string{at(api.AnnotationSearchRewrite) + `Unsupported value: "x": ` + strategies}},
		{"two at once, in order", []string{api.AnnotationSearchRewrite, "first", api.AnnotationMode, "hostnet"},
			[]string{at(api.AnnotationMode) + `Unsupported value: "hostnet": ` + modes, at(api.AnnotationSearchRewrite) + `Unsupported value: "first": ` + strategies}},
	} {
		t.Run(test.name, func(t *testing.T) {
			raw := annotated(`{"clusterIP":"10.96.0.7"}`, test.annotations...)
			pod := decidePod(t, raw, &snapshot{labels: map[string]string{api.LabelMode: "hostnetwork"}})
			var refused []string
			for _, w := range test.want {
				refused = append(refused, "refused "+w)
			}
			wantFindings(t, pod, refused...)
			wantNoChange(t, pod)
			service := decideService(t, raw)
			wantFindings(t, service, refused...)
			wantNoChange(t, service)
		})
	}
	p := decidePod(t, annotated(`{}`, api.AnnotationSearchRewrite, "first", api.AnnotationMode, "hostnet"), &snapshot{})
	denial := "2 problems: metadata.annotations[netmode.io/mode]: Unsupported value: \"hostnet\": " + modes + " (AnnotationInvalid); " +
		"metadata.annotations[netmode.io/search-rewrite]: Unsupported value: \"first\": " + strategies + " (AnnotationInvalid)"
	if p.Denial() != denial {
		t.Errorf("got  %s\nwant %s", p.Denial(), denial)
	}
}
