package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	evanphx "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/certs"
	"github.com/netmode-io/netmode/pkg/admission"
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/manifest"
	"github.com/netmode-io/netmode/pkg/metrics"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/server"
	"github.com/netmode-io/netmode/pkg/workload"
)

// TestAgreement holds render to what the webhook does: every Pod, every Service,
// every workload and the first pod of its template goes through the real reviewer
// behind the real server, and comes out as render wrote it, refusals included.
func TestAgreement(t *testing.T) {
	cases := goldenCases(t)
	cases = append(cases, goldenCase{name: "examples", input: "../../../../deploy/examples", flags: cases[0].flags})
	t.Chdir(goldenFolder)
	sent := 0
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := newAgreement(t, c)
			for i, d := range a.all {
				if d.plan == nil || d.pods != nil && d.entry == "" {
					continue
				}
				sent++
				t.Run(strings.ReplaceAll(d.label(), "/", " "), func(t *testing.T) { a.check(t, d, a.rendered[i]) })
			}
		})
	}
	if sent < 100 {
		t.Errorf("%d objects were sent, and there are more than 100", sent)
	}
}

// agreement is one case: the objects as they were read and as render writes
// them, a webhook that knows the same surroundings in its two phases, and one
// that knows the same but nothing of the cluster's DNS.
type agreement struct {
	settings      *engine.Settings
	snapshot      engine.Snapshot
	all, rendered []*decided
	webhook       *webhookProcess
	unknowing     *webhookProcess
}

func newAgreement(t *testing.T, c goldenCase) *agreement {
	t.Helper()
	in := newInputs()
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	in.addFlags(fs)
	if err := fs.Parse(append(c.flags, "-f", c.input)); err != nil {
		t.Fatal(err)
	}
	settings, _, err := in.decision.Settings()
	if err != nil {
		t.Fatal(err)
	}
	files, err := manifest.Open(t.Context(), in.files, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	all, snapshot, err := in.decide(files, settings)
	if err != nil {
		t.Fatal(err)
	}
	a := &agreement{settings: settings, snapshot: snapshot, all: all}
	if err := applyAll(a.all); err != nil {
		t.Fatal(err)
	}
	var again []*manifest.File
	for _, f := range files {
		reread, err := manifest.Read(f.Name, f.Bytes())
		if err != nil {
			t.Fatalf("what render writes cannot be read: %v", err)
		}
		again = append(again, reread)
	}
	if a.rendered, _, err = in.decide(again, settings); err != nil {
		t.Fatal(err)
	}
	if len(a.rendered) != len(a.all) {
		t.Fatalf("%d objects were read, %d are rendered", len(a.all), len(a.rendered))
	}
	unknown := *settings
	unknown.Search.Facts.Nameservers, unknown.Search.Facts.Domain, unknown.Search.Facts.NodeSearches = nil, "", nil
	a.webhook = serve(t, &admission.Reviewer{Entry: api.EntryAsked, Settings: settings, Snapshots: admission.FixedSnapshot{Of: snapshot}})
	a.unknowing = serve(t, &admission.Reviewer{Entry: api.EntryAsked, Settings: &unknown, Snapshots: admission.FixedSnapshot{Of: engine.EmptySnapshot{}}})
	return a
}

// serve runs the reviewer behind the real server until the test ends.
func serve(t *testing.T, reviewer *admission.Reviewer) *webhookProcess {
	t.Helper()
	source, err := certs.Standalone("", nil, time.Now(), certs.SourceHooks{})
	if err != nil {
		t.Fatal(err)
	}
	m := metrics.New()
	ctx, stop := context.WithCancel(context.Background())
	reviews := server.ReviewConfig{
		Reviewer: reviewer, Counters: m, MaxBody: server.DefaultMaxBody, Log: logr.Discard(),
		Limits: server.NewLimits(server.DefaultMaxBytes, server.DefaultMaxReviews()),
	}
	s, err := server.Listen(ctx, server.Config{
		Listen: "127.0.0.1:0", OpsListen: "127.0.0.1:0", DrainTimeout: time.Minute, Certificates: source, Counters: m,
		Reviews:   map[string]http.Handler{api.EntryAsked.Path(): server.NewReviewHandler(reviews)},
		Elsewhere: server.NewElsewhere(reviews), Metrics: m.Handler(), Log: logr.Discard(),
	})
	if err != nil {
		stop()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(source.CABundle())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return &webhookProcess{url: "https://" + s.Addr().String(), client: &http.Client{Transport: transport}}
}

func (a *agreement) check(t *testing.T, d, rendered *decided) {
	p := d.plan
	if d.template != nil {
		if d.template.Workload.Copies() && !a.checkWorkload(t, d, rendered) {
			return
		}
		var pod api.Pod
		if err := api.Decode(d.template.Pod, &pod, ""); err != nil {
			t.Fatal(err)
		}
		p = engine.Decide(engine.Request{Settings: a.settings, Snapshot: a.snapshot, Namespace: d.namespace, Object: &pod})
	} else {
		p = withoutPolicies(p)
	}
	request := requestFor(t, d)
	response := send(t, a.webhook, request)
	patched, warnings := request.Object.Raw, warningsOf(response)
	if response.Allowed {
		patched = applyPatch(t, request.Object.Raw, response.Patch)
	}
	if diff := cmp.Diff(findings(p, plan.Warned), warnings); diff != "" {
		t.Errorf("warnings differ (-render +webhook):\n%s", diff)
	}
	if !response.Allowed {
		if diff := cmp.Diff(p.Denial(), response.Result.Message); diff != "" {
			t.Errorf("refusals differ (-render +webhook):\n%s", diff)
		}
		if d.operations != nil && d.template == nil {
			t.Errorf("render changes what the webhook refuses: %v", d.operations)
		}
		return
	}
	if p.Refused() {
		t.Fatalf("render refuses what the webhook allows: %s", p.Denial())
	}
	if d.judged().Refused() {
		return // by a policy, in the API server
	}
	want, let := requestFor(t, rendered).Object.Raw, patched
	if d.object.Kind == "StatefulSet" && needsServiceName(t, d) {
		// The controller writes the StatefulSet's own serviceName over the
		// template's subdomain, so this pod needs the webhook again.
		want = applyPatch(t, want, send(t, a.webhook, requestFor(t, rendered)).Patch)
		let, want = withoutStatus(t, patched), withoutStatus(t, want)
	}
	switch {
	case p.Has(plan.NotApplicable):
	case p.Has(plan.HostnameGenerated):
		let = withoutGeneratedName(t, let)
	case d.template != nil && p.Has(plan.HostnameOfNode):
		let = without(t, let, "/spec/hostname")
	}
	if d.plan.Has(plan.WaitEachItself) {
		let, want = withoutStatus(t, withoutWait(t, let)), withoutStatus(t, want)
	}
	if d.template != nil && hasKept(p, plan.HostnameEnvSet) {
		let = withoutHostnameEnv(t, let)
	}
	if diff := cmp.Diff(parse(t, want), parse(t, let)); diff != "" {
		t.Errorf("the object that the webhook lets in differs from the rendered one (-render +webhook):\n%s", diff)
	}

	request.Object.Raw = patched
	wantEmpty(t, "the second call", send(t, a.webhook, request))
	if d.object.Kind != "Service" {
		request.Object.Raw = withSidecar(t, patched)
		response := send(t, a.webhook, request)
		if p.Has(plan.HostnameEnvSet) && !p.Has(plan.NotApplicable) {
			wantInEnv(t, response)
			request.Object.Raw = applyPatch(t, request.Object.Raw, response.Patch)
			response = send(t, a.webhook, request)
		}
		wantEmpty(t, "the call with a sidecar", response)
	}
	if p.Source == plan.SourceAnnotation {
		wantEmpty(t, "the call by a webhook that knows nothing", send(t, a.unknowing, request))
	}
}

// withoutPolicies is the plan as the webhook has it: what policies forbid is the
// API server's business.
func withoutPolicies(p *plan.Plan) *plan.Plan {
	rest := *p
	rest.Trace = slices.DeleteFunc(slices.Clone(p.Trace), func(f plan.Finding) bool { return f.Rule == engine.RulePolicies })
	return &rest
}

func requestFor(t *testing.T, d *decided) *admissionv1.AdmissionRequest {
	t.Helper()
	request, err := admissionRequest(d)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func send(t *testing.T, w *webhookProcess, request *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	t.Helper()
	response, err := w.review(t.Context(), api.EntryAsked, request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func wantEmpty(t *testing.T, call string, response *admissionv1.AdmissionResponse) {
	t.Helper()
	switch {
	case !response.Allowed:
		t.Errorf("%s was refused: %s", call, response.Result.Message)
	case len(response.Patch) > 0:
		t.Errorf("%s got a patch: %s", call, response.Patch)
	}
}

// checkWorkload sends the workload itself, and reports whether its pods would
// be made of the same template.
func (a *agreement) checkWorkload(t *testing.T, d, rendered *decided) bool {
	request := workloadRequest(t, d, d.object.JSON)
	response := send(t, a.webhook, request)
	if diff := cmp.Diff(findings(d.plan, plan.Warned), warningsOf(response)); diff != "" {
		t.Errorf("warnings at the workload differ (-render +webhook):\n%s", diff)
	}
	if response.Allowed == d.plan.Refused() {
		t.Fatalf("render says %q, the webhook %+v", d.plan.Denial(), response.Result)
	}
	if !response.Allowed {
		if diff := cmp.Diff(d.plan.Denial(), response.Result.Message); diff != "" || d.operations != nil {
			t.Errorf("render changes %v, refusals differ (-render +webhook):\n%s", d.operations, diff)
		}
		return false
	}
	patched := applyPatch(t, d.object.JSON, response.Patch)
	template, err := workload.Parse(d.object.APIVersion, d.object.Kind, patched, d.namespace)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parse(t, d.template.Pod), parse(t, template.Pod)); diff != "" {
		t.Errorf("the first pods differ (-render +webhook):\n%s", diff)
	}
	wantEmpty(t, "the second call for the workload", send(t, a.webhook, workloadRequest(t, d, patched)))
	wantEmpty(t, "the call for the rendered workload", send(t, a.webhook, workloadRequest(t, d, rendered.object.JSON)))
	return true
}

func workloadRequest(t *testing.T, d *decided, raw []byte) *admissionv1.AdmissionRequest {
	t.Helper()
	request := requestFor(t, d)
	group, version, _ := strings.Cut(d.object.APIVersion, "/")
	request.Kind = metav1.GroupVersionKind{Group: group, Version: version, Kind: d.object.Kind}
	request.Object.Raw = raw
	return request
}

// findings are the messages of a verdict.
func findings(p *plan.Plan, verdict plan.Verdict) []string {
	messages := []string{}
	for _, f := range p.Findings(verdict) {
		messages = append(messages, p.Message(&f))
	}
	return messages
}

func warningsOf(response *admissionv1.AdmissionResponse) []string {
	messages := []string{}
	for _, w := range response.Warnings {
		messages = append(messages, strings.TrimPrefix(w, "netmode: "))
	}
	return messages
}

func needsServiceName(t *testing.T, d *decided) bool {
	t.Helper()
	spec, ok := parse(t, d.object.JSON)["spec"].(map[string]any)
	if !ok {
		t.Fatalf("no spec in %s", d.object.JSON)
	}
	return spec["serviceName"] == nil
}

func parse(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatal(err)
	}
	return object
}

func applyPatch(t *testing.T, raw, patch []byte) []byte {
	t.Helper()
	if len(patch) == 0 {
		return raw
	}
	operations, err := evanphx.DecodePatch(patch)
	if err != nil {
		t.Fatal(err)
	}
	patched, err := operations.Apply(raw)
	if err != nil {
		t.Fatalf("patch %s does not apply: %v", patch, err)
	}
	return patched
}

func withoutStatus(t *testing.T, raw []byte) []byte {
	t.Helper()
	return without(t, raw, "/metadata/annotations/netmode.io~1status")
}

func without(t *testing.T, raw []byte, pointer string) []byte {
	t.Helper()
	return applyPatch(t, raw, []byte(`[{"op":"remove","path":"`+pointer+`"}]`))
}

func withSidecar(t *testing.T, raw []byte) []byte {
	t.Helper()
	return applyPatch(t, raw, []byte(`[{"op":"add","path":"/spec/containers/0","value":{"name":"sidecar","image":"registry.example.com/sidecar:1"}}]`))
}
