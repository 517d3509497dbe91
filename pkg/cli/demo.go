package cli

import (
	"cmp"
	"context"
	stdjson "encoding/json" // the API types of Kubernetes are written for it
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"sigs.k8s.io/yaml"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/patch"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/workload"
)

// What a cluster made by kubeadm has; the demo has no cluster to ask.
const (
	demoClusterDNS    = "10.96.0.10"
	demoClusterDomain = "cluster.local"
	demoNode          = "node-1"
)

func newDemo(streams *Streams) *cobra.Command {
	in := newInputs()
	program := ""
	cmd := &cobra.Command{
		Use:   "demo -f FILE|FOLDER|-",
		Short: "Start the real webhook on this machine and send it manifests",
		Long: `demo starts netmode-webhook on loopback with a certificate of its own making,
sends it the Pods and Services of the manifests, and the first pod of each pod
template, over verified HTTPS as an API server would, judges what comes back by
the policies as the API server itself does, and shows what changes and why. It
needs no cluster and leaves nothing behind.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(in.decision.ClusterDNS) == 0 && in.decision.ResolvConf == "" {
				in.decision.ClusterDNS = []string{demoClusterDNS}
				in.decision.ClusterDomain = cmp.Or(in.decision.ClusterDomain, demoClusterDomain)
			}
			_, all, err := in.read(cmd.Context(), streams)
			if err != nil {
				return err
			}
			if program == "" {
				program = besideThisProgram("netmode-webhook")
			}
			return runDemo(cmd.Context(), streams, program, in, all)
		},
	}
	in.addFlags(cmd.Flags())
	cmd.Flags().StringVar(&program, "webhook", program, "the netmode-webhook to run (default: the one beside this program, or in PATH)")
	return cmd
}

// besideThisProgram returns the path of a program in this one's folder, or the
// bare name for PATH to find.
func besideThisProgram(name string) string {
	if own, err := os.Executable(); err == nil {
		path := filepath.Join(filepath.Dir(own), name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return name
}

// tally counts what became of the objects.
type tally struct{ patched, unchanged, refused int }

func runDemo(ctx context.Context, streams *Streams, program string, in *inputs, all []*decided) (err error) {
	colors := streams.outPalette()
	snapshot, err := writeSnapshot(in, all)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(snapshot)) }()
	webhook, err := startWebhook(ctx, program, append(in.decision.Args(), "--manifests="+snapshot))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, webhook.stop()) }()
	_, _ = fmt.Fprintf(streams.Out, "netmode-webhook serves at %s, with a certificate of its own making\n", colors.bold(webhook.url))

	var t tally
	start := time.Now()
	for _, d := range all {
		if d.plan == nil {
			continue
		}
		if err := demonstrate(ctx, streams, webhook, d, &t); err != nil {
			return d.fail(err)
		}
	}
	_, _ = fmt.Fprintf(streams.Out, "\n%s sent in %s: %s, %d left alone, %s\n", count(t.patched+t.unchanged+t.refused, "object"),
		time.Since(start).Round(time.Millisecond), colors.green(fmt.Sprintf("%d changed", t.patched)), t.unchanged,
		colors.red(fmt.Sprintf("%d refused", t.refused)))
	return nil
}

// demonstrate sends the object, or the first pod of its template, where an API
// server would, and then judges it by the policies as that does.
func demonstrate(ctx context.Context, streams *Streams, webhook *webhookProcess, d *decided, t *tally) error {
	showHeading(streams, d)
	request, err := admissionRequest(d)
	if err != nil {
		return err
	}
	entry := d.entry
	if d.pods == nil { // a Service
		entry = api.EntryAsked
	}
	response := &admissionv1.AdmissionResponse{Allowed: true}
	if entry != "" {
		if response, err = webhook.review(ctx, entry, request); err != nil {
			return err
		}
	}
	return showResponse(streams, request, response, policyFindings(d.judged()), t)
}

// judged is the plan of what policies judge.
func (d *decided) judged() *plan.Plan {
	if d.pods != nil {
		return d.pods
	}
	return d.plan
}

// policyFindings is what the policies alone say, and why one gives nothing.
func policyFindings(p *plan.Plan) *plan.Plan {
	said := plan.Plan{NotAllowed: p.NotAllowed}
	for _, f := range p.Trace {
		if f.Rule == engine.RulePolicies && f.Reason != "" || f.Reason == plan.PolicyNamespaceUnlabelled {
			said.Trace = append(said.Trace, f)
		}
	}
	return &said
}

// admissionRequest is what an API server would ask about the object, or about
// the first pod of its template.
func admissionRequest(d *decided) (*admissionv1.AdmissionRequest, error) {
	raw, kind, user := []byte(nil), d.object.Kind, "kubernetes-admin"
	var err error
	if d.template != nil {
		raw, kind, user = d.template.Pod, "Pod", "system:serviceaccount:kube-system:"+strings.ToLower(d.object.Kind)+"-controller"
		if d.object.Kind == "DaemonSet" {
			if raw, err = workload.OnNode(raw, demoNode); err != nil {
				return nil, err
			}
		}
	} else if raw, err = workload.Admitted(d.object.APIVersion, d.object.Kind, d.object.JSON, d.namespace); err != nil {
		return nil, err
	}
	gvk := metav1.GroupVersionKind{Version: "v1", Kind: kind}
	gvr := metav1.GroupVersionResource{Version: "v1", Resource: strings.ToLower(kind) + "s"}
	var named struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
	}
	if err := stdjson.Unmarshal(raw, &named); err != nil {
		return nil, err
	}
	return &admissionv1.AdmissionRequest{
		UID: uuid.NewUUID(), Kind: gvk, Resource: gvr, RequestKind: &gvk, RequestResource: &gvr,
		Name: named.Metadata.Name, Namespace: d.namespace, Operation: admissionv1.Create,
		UserInfo: authenticationv1.UserInfo{Username: user, Groups: []string{"system:authenticated"}},
		Object:   runtime.RawExtension{Raw: raw}, DryRun: new(false),
		Options: runtime.RawExtension{Raw: []byte(`{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}`)},
	}, nil
}

func showHeading(streams *Streams, d *decided) {
	colors := streams.outPalette()
	what := d.label()
	if d.template != nil {
		what += ", first pod"
	}
	_, _ = fmt.Fprintf(streams.Out, "\n%s  %s\n", colors.bold(what), colors.dim(fmt.Sprintf("%s:%d", d.object.Document.Name, d.object.Line)))
}

func showResponse(streams *Streams, request *admissionv1.AdmissionRequest, response *admissionv1.AdmissionResponse, judged *plan.Plan, t *tally) error {
	colors := streams.outPalette()
	switch refusal := judged.Denial(); {
	case !response.Allowed:
		t.refused++
		_, _ = fmt.Fprintf(streams.Out, "%s %s\n", colors.red("refused:"), response.Result.Message)
		judged = &plan.Plan{} // nobody asks further
	case refusal != "":
		t.refused++
		_, _ = fmt.Fprintf(streams.Out, "%s %s\n", colors.red("refused:"), refusal)
	case len(response.Patch) == 0:
		t.unchanged++
		_, _ = fmt.Fprintln(streams.Out, colors.dim("left alone"))
	default:
		t.patched++
		if err := showPatch(streams, request.Object.Raw, response.Patch); err != nil {
			return err
		}
	}
	// First what the webhook says, and then what policies say.
	var reasons []plan.Reason
	for reason := range strings.SplitSeq(response.AuditAnnotations["reasons"], ",") {
		reasons = append(reasons, plan.Reason(reason))
	}
	for _, reason := range append(reasons, judged.Reasons()...) {
		if doc := reason.Doc(); doc.Reason != "" {
			_, _ = fmt.Fprintf(streams.Out, "  %s  %s\n", colors.cyan(string(reason)), doc.Sentence)
		}
	}
	warnings := response.Warnings
	for _, f := range judged.Findings(plan.Warned) {
		warnings = append(warnings, judged.Message(&f))
	}
	for _, warning := range warnings {
		_, _ = fmt.Fprintf(streams.Out, "  %s %s\n", colors.yellow("Warning:"), warning)
	}
	return nil
}

// showPatch shows what the patch changes.
func showPatch(streams *Streams, raw, document []byte) error {
	patched, err := patch.ApplyDocument("the webhook's patch", raw, document)
	if err != nil {
		return err
	}
	before, err := yaml.JSONToYAML(raw)
	if err != nil {
		return err
	}
	after, err := yaml.JSONToYAML(patched)
	if err != nil {
		return err
	}
	return writeDiff(streams, "", "", string(before), string(after))
}
