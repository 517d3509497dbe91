package admission

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// wish is what the author of a fixture's object asks for, and what comes of it.
type wish struct {
	fixture     string
	annotations []string
	decision    Decision
	// paths are those of the patch, in order, but for the status annotation at
	// its end.
	paths []string
	// reason is one of the reasons.
	reason plan.Reason
}

func (w wish) String() string {
	name := strings.TrimSuffix(strings.TrimPrefix(w.fixture, "review-"), ".json")
	return name + "," + strings.Join(w.annotations, ",")
}

func (w wish) body(tb testing.TB) []byte {
	tb.Helper()
	return annotated(tb, w.fixture, w.annotations...)
}

// wishes are every fixture in every mode, and every search rewrite.
func wishes() []wish {
	const (
		peers   = "service=peers"
		sts     = "mode=statefulset-headless"
		rewrite = "search-rewrite="
	)
	hostNetwork := []string{"/spec/hostNetwork", "/spec/dnsPolicy"}
	return []wish{
		{replicaSetPod, nil, Unchanged, nil, plan.NothingAsked},
		{replicaSetPod, []string{"mode=default"}, Patched, []string{}, plan.ModeDefault},
		{replicaSetPod, []string{"mode=hostnetwork"}, Patched, hostNetwork, plan.HostNetworkSet},
		{replicaSetPod, []string{"mode=headless", peers}, Patched, []string{"/spec/hostname", "/spec/subdomain"}, plan.HostnameSet},
		{replicaSetPod, []string{"mode=headless"}, Refused, nil, plan.GoverningServiceUnknown},
		{replicaSetPod, []string{sts, peers}, Patched, []string{"/metadata/name", "/spec/hostname", "/spec/subdomain", "/spec/dnsPolicy", "/spec/dnsConfig"}, plan.HostnameGenerated},
		{replicaSetPod, []string{sts, peers, "hostname=own"}, Refused, nil, plan.NoStableHostname},
		{statefulSetPod, nil, Unchanged, nil, plan.NothingAsked},
		{statefulSetPod, []string{"mode=default"}, Patched, []string{}, plan.ModeDefault},
		{statefulSetPod, []string{"mode=hostnetwork"}, Patched, hostNetwork, plan.DNSPolicySet},
		{statefulSetPod, []string{"mode=headless"}, Refused, nil, plan.PodHasOwnName},
		{statefulSetPod, []string{sts}, Patched, []string{}, plan.SearchInPlace},
		{statefulSetPod, []string{sts, "service=other"}, Refused, nil, plan.GoverningServiceConflict},
		{statefulSetPod, []string{sts, rewrite + "auto"}, Patched, []string{}, plan.SearchInPlace},
		{
			statefulSetPod, []string{sts, rewrite + "prepend"}, Patched,
			[]string{"/spec/dnsPolicy", "/spec/dnsConfig/nameservers", "/spec/dnsConfig/searches", "/spec/dnsConfig/options"}, plan.SearchPrepended,
		},
		{statefulSetPod, []string{sts, rewrite + "append"}, Patched, []string{}, plan.SearchInPlace},
		{statefulSetPod, []string{sts, rewrite + "init-container"}, Patched, []string{"/spec/initContainers"}, plan.SearchByInitContainer},
		{statefulSetPod, []string{sts, rewrite + "post-start"}, Patched, []string{"/spec/containers/0/lifecycle"}, plan.SearchByPostStart},
		{statefulSetPod, []string{sts, rewrite + "none"}, Patched, []string{}, plan.SearchNone},
		{serviceCreate, nil, Unchanged, nil, plan.NothingAsked},
		{serviceCreate, []string{"mode=default"}, Unchanged, nil, plan.ModeDefault},
		{serviceCreate, []string{"mode=hostnetwork"}, Unchanged, nil, plan.NothingToChange},
		{serviceCreate, []string{"mode=headless"}, Patched, []string{"/spec/clusterIP"}, plan.ClusterIPNoneSet},
		{serviceCreate, []string{sts}, Patched, []string{"/spec/clusterIP", "/spec/publishNotReadyAddresses"}, plan.PublishNotReadySet},
		{serviceUpdate, []string{"mode=headless"}, Unchanged, nil, plan.UnsupportedOperation},
	}
}

func TestReviewFixturesInEveryMode(t *testing.T) {
	r := newReviewer(t)
	for _, w := range wishes() {
		t.Run(w.String(), func(t *testing.T) {
			body := w.body(t)
			resp, rec := ask(t, r, body)
			if rec.Decision != w.decision {
				t.Errorf("decision %s, want %s: %s", rec.Decision, w.decision, rec.Message)
			}
			if w.reason != "" && !contains(rec.Reasons, w.reason) {
				t.Errorf("reasons %v, want %s among them", rec.Reasons, w.reason)
			}
			want := w.paths
			if want != nil {
				want = append(append([]string{}, want...), "/metadata/annotations/netmode.io~1status")
			}
			if diff := cmp.Diff(want, patchPaths(t, resp.Patch)); diff != "" {
				t.Errorf("paths of the patch (-want +got):\n%s", diff)
			}
			checkRecord(t, w, rec)
			checkAudit(t, resp, rec)
		})
	}
}

func contains(reasons []plan.Reason, wanted plan.Reason) bool {
	return strings.Contains(","+join(reasons)+",", ","+string(wanted)+",")
}

func patchPaths(tb testing.TB, patch []byte) []string {
	tb.Helper()
	if len(patch) == 0 {
		return nil
	}
	var operations []struct{ Op, Path string }
	if err := json.Unmarshal(patch, &operations); err != nil {
		tb.Fatal(err)
	}
	var paths []string
	for _, o := range operations {
		paths = append(paths, o.Path)
	}
	return paths
}

func checkRecord(t *testing.T, w wish, rec Record) {
	t.Helper()
	want := map[string]Record{
		replicaSetPod:  {UID: "4bf8553b-1195-4a83-95b4-70669756647f", Operation: "CREATE", Kind: "Pod", Name: "d1-78c56bf446-"},
		statefulSetPod: {UID: "4295aa47-10fa-40d1-ae25-8219f442714c", Operation: "CREATE", Kind: "Pod", Name: "app-2"},
		serviceCreate:  {UID: "159b8f8a-619e-4542-bc66-70ebbab13ffc", Operation: "CREATE", Kind: "Service", Name: "s1"},
		serviceUpdate:  {UID: "f170100c-eec2-4a45-a026-b2afc267f561", Operation: "UPDATE", Kind: "Service", Name: "s1"},
	}[w.fixture]
	got := Record{UID: rec.UID, Operation: rec.Operation, Kind: rec.Kind, Namespace: rec.Namespace, Name: rec.Name, Mode: rec.Mode}
	want.Namespace = "default"
	for _, a := range w.annotations {
		if value, isMode := strings.CutPrefix(a, "mode="); isMode && want.Operation == "CREATE" {
			want.Mode = api.Mode(value)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func checkAudit(t *testing.T, resp *admissionv1.AdmissionResponse, rec Record) {
	t.Helper()
	var want map[string]string
	if rec.Mode != "" {
		want = map[string]string{"mode": string(rec.Mode), "decision": string(rec.Decision), "reasons": join(rec.Reasons)}
	}
	if diff := cmp.Diff(want, resp.AuditAnnotations); diff != "" {
		t.Errorf("audit annotations (-want +got):\n%s", diff)
	}
}

// The whole of three objects, before and after, as the API server stores them.
func TestPatchedObjects(t *testing.T) {
	const status = `"netmode.io/status":"{\"mode\":\"%s\",\"source\":\"annotation\"%s,\"reasons\":[%s]}"`
	for _, tt := range []struct {
		name, kind, object, want string
	}{
		{
			"Pod, hostnetwork", replicaSetPod,
			`{"metadata":{"name":"a","annotations":{"netmode.io/mode":"hostnetwork"}},"spec":{"containers":[{"name":"c","ports":[{"containerPort":80}]}]}}`,
			`{"metadata":{"name":"a","annotations":{"netmode.io/mode":"hostnetwork",` + fmt.Sprintf(status, "hostnetwork", "", `\"HostNetworkSet\",\"DNSPolicySet\",\"NodeHostname\"`) +
				`}},"spec":{"containers":[{"name":"c","ports":[{"containerPort":80}]}],"hostNetwork":true,"dnsPolicy":"ClusterFirstWithHostNet"}}`,
		},
		{
			"Pod without spec, headless", replicaSetPod,
			`{"metadata":{"annotations":{"netmode.io/mode":"headless","netmode.io/service":"db"}},"spec":null}`,
			`{"metadata":{"annotations":{"netmode.io/mode":"headless","netmode.io/service":"db",` + fmt.Sprintf(status, "headless", `,\"service\":\"db\"`, `\"GoverningServiceNamed\",\"HostnameSet\",\"SubdomainSet\"`) +
				`}},"spec":{"hostname":"db","subdomain":"db"}}`,
		},
		{
			"Service, headless", serviceCreate,
			`{"metadata":{"name":"db","annotations":{"netmode.io/mode":"headless"}},"spec":{"clusterIP":"","selector":{"a":"b"}}}`,
			`{"metadata":{"name":"db","annotations":{"netmode.io/mode":"headless",` + fmt.Sprintf(status, "headless", "", `\"ClusterIPNoneSet\"`) +
				`}},"spec":{"clusterIP":"None","selector":{"a":"b"}}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := withObject(t, tt.kind, []byte(tt.object))
			resp, _ := ask(t, newReviewer(t), body)
			if diff := cmp.Diff(parsed(t, []byte(tt.want)), parsed(t, apply(t, body, resp.Patch))); diff != "" {
				t.Errorf("patched object (-want +got):\n%s", diff)
			}
		})
	}
}

func parsed(tb testing.TB, text []byte) any {
	tb.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		tb.Fatal(err)
	}
	return v
}

// The API server calls a webhook again on what it made (reinvocationPolicy
// IfNeeded), so the patch of a patched object is empty.
func TestReviewIsIdempotent(t *testing.T) {
	r := newReviewer(t)
	bodies := map[string][]byte{
		"large Pod, hostnetwork": largeReview(t, "mode=hostnetwork"),
		"large Pod, post-start":  largeReview(t, "mode=statefulset-headless", "search-rewrite=post-start"),
	}
	for _, w := range wishes() {
		bodies[w.String()] = w.body(t)
	}
	// The longest commands of netmode's own containers are seen whole.
	hundredNames := make([]string, api.MaxWaitNames)
	for i := range hundredNames {
		hundredNames[i] = fmt.Sprintf("p-%d.q", i)
	}
	for _, strategy := range []string{"init-container", "post-start"} {
		bodies["many peers and names, "+strategy] = annotated(t, "review-pod-statefulset.json", "mode=statefulset-headless", "search-rewrite="+strategy,
			"peers=a.x,b.x,c.x,d.x,e.x,f,g,h,i,j", "wait="+strings.Join(hundredNames, ","))
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			first, rec := ask(t, r, body)
			if rec.Decision != Patched {
				return // nothing was changed, and the first table says so
			}
			var review admissionv1.AdmissionReview
			if err := json.Unmarshal(body, &review); err != nil {
				t.Fatal(err)
			}
			review.Request.Object.Raw = apply(t, body, first.Patch)
			again, rec := ask(t, r, marshal(t, review))
			if rec.Decision != Unchanged || len(again.Patch) > 0 {
				t.Errorf("the second call: %s, patch %s", rec.Decision, again.Patch)
			}
		})
	}
}

// Fields that this build does not know stay, wherever they are, and make no
// difference to the patch.
func TestUnknownFieldsSurvive(t *testing.T) {
	r := newReviewer(t)
	for _, w := range wishes() {
		t.Run(w.String(), func(t *testing.T) {
			plain := w.body(t)
			planted := 0
			body := edited(t, w.fixture, func(_ *admissionv1.AdmissionRequest, object map[string]any) {
				annotate(object, w.annotations...)
				planted = plant(object)
			})
			if planted < 8 {
				t.Fatalf("only %d fields were planted", planted)
			}
			want, _ := ask(t, r, plain)
			got, _ := ask(t, r, body)
			if !bytes.Equal(want.Patch, got.Patch) {
				t.Errorf("patch %s, and %s without the unknown fields", got.Patch, want.Patch)
			}
			patched := apply(t, body, got.Patch)
			if left := bytes.Count(patched, []byte(invented)); left != planted {
				t.Errorf("%d of %d unknown fields are left in %s", left, planted, patched)
			}
		})
	}
}

// A patch lands beside what netmode never reads: no parent is made anew where
// one is.
func TestUnreadSiblingsSurvive(t *testing.T) {
	const status = "/metadata/annotations/netmode.io~1status"
	for _, tt := range []struct {
		name, strategy, spec string
		paths                []string
		want                 []string
	}{
		{
			"lifecycle with a preStop hook", "post-start",
			`{"containers":[{"name":"c","lifecycle":{"preStop":{"sleep":{"seconds":5}},"stopSignal":"SIGTERM"}}]}`,
			[]string{"/spec/containers/0/lifecycle/postStart", status},
			[]string{`"preStop":{"sleep":{"seconds":5}}`, `"stopSignal":"SIGTERM"`},
		},
		{
			"postStart hook", "post-start",
			`{"containers":[{"name":"c","lifecycle":{"postStart":{"exec":{"command":["/start"],"invented":1}}}}]}`,
			[]string{"/spec/containers/0/lifecycle/postStart/exec/command", status},
			[]string{`"invented":1`, `"/start"`},
		},
		{
			"dnsConfig of unknown members", "prepend",
			`{"dnsConfig":{"invented":{"a":1}},"containers":[]}`,
			[]string{"/spec/dnsPolicy", "/spec/dnsConfig/nameservers", "/spec/dnsConfig/searches", "/spec/dnsConfig/options", status},
			[]string{`"invented":{"a":1}`},
		},
		{
			"init containers", "init-container",
			`{"initContainers":[{"name":"first","image":"i","env":[{"name":"A","value":"b"}]}],"containers":[]}`,
			[]string{"/spec/initContainers/0", status},
			[]string{`{"name":"first","image":"i","env":[{"name":"A","value":"b"}]}`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			object := `{"metadata":{"annotations":{"netmode.io/mode":"statefulset-headless","netmode.io/search-rewrite":"` + tt.strategy +
				`"}},"spec":{"hostname":"a","subdomain":"b",` + strings.TrimPrefix(tt.spec, "{") + `}`
			body := withObject(t, statefulSetPod, []byte(object))
			resp, rec := ask(t, newReviewer(t), body)
			if diff := cmp.Diff(tt.paths, patchPaths(t, resp.Patch)); diff != "" {
				t.Errorf("paths of the patch (-want +got):\n%s\n%s", diff, rec.Message)
			}
			patched := string(apply(t, body, resp.Patch))
			for _, want := range tt.want {
				if !strings.Contains(patched, want) {
					t.Errorf("%s is gone from %s", want, patched)
				}
			}
		})
	}
}

const invented = `"inventedField":{"list":[1,{"deep":null}],"number":12345678901234567890}`

// plant puts an unknown field into every object that is not a map of strings,
// and counts them.
func plant(v any) int {
	planted := 0
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			planted += plant(item)
		}
	case map[string]any:
		for name, item := range v {
			switch name {
			case "labels", "annotations", "selector", "nodeSelector":
			default:
				planted += plant(item)
			}
		}
		v["inventedField"] = json.RawMessage(strings.TrimPrefix(invented, `"inventedField":`))
		planted++
	}
	return planted
}

// One review has one answer: byte for byte, at every call, from every goroutine.
func TestReviewIsDeterministic(t *testing.T) {
	for _, w := range wishes() {
		t.Run(w.String(), func(t *testing.T) {
			body := w.body(t)
			r := newReviewer(t)
			want, _, err := r.Review(t.Context(), body)
			if err != nil {
				t.Fatal(err)
			}
			want = bytes.Clone(want)
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					for range 25 {
						got, _, err := r.Review(t.Context(), body)
						if err != nil || !bytes.Equal(want, got) {
							t.Errorf("another answer: %v\n%s\n%s", err, got, want)
							return
						}
					}
				})
			}
			group.Wait()
		})
	}
}

func TestDryRunGetsTheSameAnswer(t *testing.T) {
	r := newReviewer(t)
	dryRun := true
	for _, w := range wishes() {
		want, _, err := r.Review(t.Context(), w.body(t))
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := r.Review(t.Context(), edited(t, w.fixture, func(request *admissionv1.AdmissionRequest, object map[string]any) {
			annotate(object, w.annotations...)
			request.DryRun = &dryRun
		}))
		if err != nil || !bytes.Equal(want, got) {
			t.Errorf("%s: %v: %s\nwant %s", w, err, got, want)
		}
	}
}

// Nothing of an answer or its record lives in a buffer that the next review
// overwrites.
func TestAnswerOutlivesBuffers(t *testing.T) {
	r := newReviewer(t)
	for _, w := range wishes() {
		body := w.body(t)
		answer, rec, err := r.Review(t.Context(), body)
		if err != nil {
			t.Fatal(err)
		}
		wantAnswer, wantRecord := bytes.Clone(answer), fmt.Sprintf("%+v", rec)
		for i := range body {
			body[i] = 'X'
		}
		other := fmt.Appendf(nil, `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":%q}}`, strings.Repeat("Y", 10_000))
		if _, _, err := r.Review(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(wantAnswer, answer) || wantRecord != fmt.Sprintf("%+v", rec) {
			t.Errorf("%s: changed with the buffers: %s\n%+v", w, answer, rec)
		}
	}
}

// Whatever a review holds, it comes back as what it was, in valid JSON.
func TestHostileTextInAnswers(t *testing.T) {
	const hostile = "\"}],\\\r\n\t\x00\x1b[31m\u2028<script>ノード😀"
	body := edited(t, statefulSetPod, func(request *admissionv1.AdmissionRequest, object map[string]any) {
		request.UID = hostile
		member(object, "metadata")["annotations"] = map[string]any{
			"netmode.io/mode": hostile, "netmode.io/" + hostile: "x", "netmode.io/search-rewrite": "none",
		}
	})
	resp, rec := ask(t, newReviewer(t), body)
	if resp.UID != hostile || rec.UID != hostile {
		t.Errorf("uid %q", resp.UID)
	}
	if rec.Decision != Refused || len(resp.Warnings) == 0 || !strings.Contains(strings.Join(resp.Warnings, ""), hostile) {
		t.Errorf("%s %q, warnings %q", rec.Decision, rec.Message, resp.Warnings)
	}
}
