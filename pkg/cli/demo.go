package cli

import (
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	evanphx "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"sigs.k8s.io/yaml"

	"github.com/netmode-io/netmode/pkg/manifest"
	"github.com/netmode-io/netmode/pkg/plan"
)

// The API types of Kubernetes are written for encoding/json.
var (
	marshal   = stdjson.Marshal
	unmarshal = stdjson.Unmarshal
)

// What a cluster made by kubeadm has; the demo has no cluster to ask.
const (
	demoClusterDNS    = "10.96.0.10"
	demoClusterDomain = "cluster.local"
)

func newDemo(streams *Streams) *cobra.Command {
	in := newInputs()
	program := ""
	cmd := &cobra.Command{
		Use:   "demo -f FILE|FOLDER|-",
		Short: "Start the real webhook on this machine and send it manifests",
		Long: `demo starts netmode-webhook on loopback with a certificate of its own making,
sends it the Pods and Services of the manifests, and the first pod of each pod
template, over verified HTTPS as an API server would, and shows what changes and
why. It needs no cluster and leaves nothing behind.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(in.decision.ClusterDNS) == 0 && in.decision.ResolvConf == "" {
				in.decision.ClusterDNS = []string{demoClusterDNS}
				in.decision.ClusterDomain = orDefault(in.decision.ClusterDomain, demoClusterDomain)
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
		if path := filepath.Join(filepath.Dir(own), name); isFile(path) {
			return path
		}
	}
	return name
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// tally counts what the webhook answered, and what it was not asked about.
type tally struct{ patched, unchanged, refused, unsent int }

func runDemo(ctx context.Context, streams *Streams, program string, in *inputs, all []*decided) (err error) {
	colors := streams.outPalette()
	around, err := writeAround(in, all)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(around)) }()
	webhook, err := startWebhook(ctx, program, append(in.decision.Args(), "--manifests="+around))
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
		if why := d.unsent(); why != "" {
			t.unsent++
			showHeading(streams, d)
			_, _ = fmt.Fprintf(streams.Out, "%s %s\n", colors.dim("not sent:"), why)
			continue
		}
		request, err := admissionRequest(d)
		if err != nil {
			return d.fail(err)
		}
		response, err := webhook.admit(ctx, request)
		if err != nil {
			return d.fail(err)
		}
		if err := showResponse(streams, d, request, response, &t); err != nil {
			return d.fail(err)
		}
	}
	unsent := ""
	if t.unsent > 0 {
		unsent = fmt.Sprintf("; %d not sent", t.unsent)
	}
	_, _ = fmt.Fprintf(streams.Out, "\n%s sent in %s: %s, %d left alone, %s%s\n", count(t.patched+t.unchanged+t.refused, "object"),
		time.Since(start).Round(time.Millisecond), colors.green(fmt.Sprintf("%d changed", t.patched)), t.unchanged,
		colors.red(fmt.Sprintf("%d refused", t.refused)), unsent)
	return nil
}

// unsent says why an API server would not ask netmode about the pod, whatever
// policies there are; "": it would, or no policy is for the pod.
func (d *decided) unsent() string {
	for _, f := range d.plan.Trace {
		if f.Reason == plan.PolicyNamespaceUnlabelled {
			return f.Message()
		}
	}
	return ""
}

// admissionRequest is what an API server would ask about the object, or about
// the first pod of its template.
func admissionRequest(d *decided) (*admissionv1.AdmissionRequest, error) {
	raw, kind, user := []byte(nil), d.object.Kind, "kubernetes-admin"
	var err error
	if d.template != nil {
		raw, kind, user = d.template.Pod, "Pod", "system:serviceaccount:kube-system:"+strings.ToLower(d.object.Kind)+"-controller"
	} else if raw, err = manifest.Admitted(d.object, d.namespace); err != nil {
		return nil, err
	}
	gvk := metav1.GroupVersionKind{Version: "v1", Kind: kind}
	gvr := metav1.GroupVersionResource{Version: "v1", Resource: strings.ToLower(kind) + "s"}
	var named struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
	}
	if err := unmarshal(raw, &named); err != nil {
		return nil, err
	}
	dryRun := false
	return &admissionv1.AdmissionRequest{
		UID: uuid.NewUUID(), Kind: gvk, Resource: gvr, RequestKind: &gvk, RequestResource: &gvr,
		Name: named.Metadata.Name, Namespace: d.namespace, Operation: admissionv1.Create,
		UserInfo: authenticationv1.UserInfo{Username: user, Groups: []string{"system:authenticated"}},
		Object:   runtime.RawExtension{Raw: raw}, DryRun: &dryRun,
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

func showResponse(streams *Streams, d *decided, request *admissionv1.AdmissionRequest, response *admissionv1.AdmissionResponse, t *tally) error {
	colors := streams.outPalette()
	showHeading(streams, d)
	switch {
	case !response.Allowed:
		t.refused++
		_, _ = fmt.Fprintf(streams.Out, "%s %s\n", colors.red("refused:"), response.Result.Message)
	case len(response.Patch) == 0:
		t.unchanged++
		_, _ = fmt.Fprintln(streams.Out, colors.dim("left alone"))
	default:
		t.patched++
		if err := showPatch(streams, request.Object.Raw, response.Patch); err != nil {
			return err
		}
	}
	for _, reason := range reasonsOf(response) {
		if doc := plan.Reason(reason).Doc(); doc.Reason != "" {
			_, _ = fmt.Fprintf(streams.Out, "  %s  %s\n", colors.cyan(reason), doc.Sentence)
		}
	}
	for _, warning := range response.Warnings {
		_, _ = fmt.Fprintf(streams.Out, "  %s %s\n", colors.yellow("Warning:"), warning)
	}
	return nil
}

// applied is the object after the patch, as the API server applies it; an empty
// patch changes nothing.
func applied(raw, document []byte) ([]byte, error) {
	if len(document) == 0 {
		return raw, nil
	}
	operations, err := evanphx.DecodePatch(document)
	if err != nil {
		return nil, fmt.Errorf("the webhook's patch: %w", err)
	}
	patched, err := operations.Apply(raw)
	if err != nil {
		return nil, fmt.Errorf("the webhook's patch does not apply: %w", err)
	}
	return patched, nil
}

// showPatch shows what the patch changes.
func showPatch(streams *Streams, raw, document []byte) error {
	patched, err := applied(raw, document)
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
