package cli

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/netmode-io/netmode/certs"
)

const (
	// envAnswer is what an odd webhook answers, UID standing for the request's.
	envAnswer = "NETMODE_CLI_TEST_ANSWER"
	// envTell is an address that a program connects to once it runs.
	envTell = "NETMODE_CLI_TEST_TELL"
)

// Answers of an odd webhook that are no bodies.
const (
	answerCrash   = "crash"
	answerStatus  = "status 500"
	answerNoCA    = "no CA"
	answerChatter = "chatter"
)

const (
	allowed = `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"UID","allowed":true}}`
	// emptyPatch is the base64 of [].
	emptyPatch = `"patch":"W10="`
)

// TestOddWebhooks: an answer that an API server would not take is an error that
// names the object, and nothing stays behind.
func TestOddWebhooks(t *testing.T) {
	response := func(members string) string { return strings.Replace(allowed, `"allowed":true`, members, 1) }
	tests := map[string]struct{ answer, want string }{
		"no JSON":            {"hello", "the webhook's answer: invalid character 'h' looking for beginning of value"},
		"nothing":            {"", "the webhook's answer: unexpected end of JSON input"},
		"another type":       {`{"response": []}`, "the webhook's answer: json: cannot unmarshal array"},
		"no response":        {`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}`, "the webhook's answer has no response"},
		"another uid":        {strings.Replace(allowed, "UID", "7", 1), " with uid 7"},
		"another version":    {strings.Replace(allowed, "k8s.io/v1", "k8s.io/v1beta1", 1), "the webhook answered with admission.k8s.io/v1beta1, Kind=AdmissionReview"},
		"another kind":       {strings.Replace(allowed, "AdmissionReview", "Pod", 1), "the webhook answered with admission.k8s.io/v1, Kind=Pod"},
		"no patchType":       {response(`"allowed":true,` + emptyPatch), "the webhook's answer has a patch without patchType, or patchType without a patch"},
		"no patch":           {response(`"allowed":true,"patchType":"JSONPatch"`), "the webhook's answer has a patch without patchType, or patchType without a patch"},
		"another patchType":  {response(`"allowed":true,"patchType":"Merge",` + emptyPatch), `the webhook's answer has patchType "Merge", which Kubernetes does not know`},
		"a patch of nothing": {response(`"allowed":true,"patchType":"JSONPatch","patch":"bnVsbA=="`), ""},
		"a bad patch":        {response(`"allowed":true,"patchType":"JSONPatch","patch":"e30="`), "the webhook's patch: "},
		"a patch elsewhere":  {response(`"allowed":true,"patchType":"JSONPatch","patch":"W3sib3AiOiJyZW1vdmUiLCJwYXRoIjoiL25vbmUifV0="`), "the webhook's patch does not apply: "},
		"refused, no reason": {response(`"allowed":false`), "the webhook refused without saying why"},
		"HTTP status":        {answerStatus, "the webhook answered 500 Internal Server Error: not today"},
		"crash":              {answerCrash, "\nnetmode-webhook did not stop cleanly: exit status 4"},
		"no CA":              {answerNoCA, "ca.crt: no such file or directory"},
		"long log lines":     {answerChatter, ""},
	}
	path := write(t, "gate.yaml", gatePod)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv(envAnswer, tt.answer)
			got := demo(t, "odd-webhook", "-f", path)
			if tt.want == "" {
				if got.code != 0 || got.err != "" {
					t.Errorf("got %+v", got)
				}
				return
			}
			if got.code != 1 || !strings.HasPrefix(got.err, "error: ") || !strings.Contains(got.err, tt.want) || strings.Contains(got.out, "sent in") {
				t.Errorf("got %+v\nwant %s", got, tt.want)
			}
			if tt.answer != answerNoCA && !strings.HasPrefix(got.err, "error: "+path+":1: Pod/gate: ") {
				t.Errorf("the message does not name the object: %s", got.err)
			}
		})
	}
}

// oddWebhook serves as netmode-webhook does and answers with nonsense.
func oddWebhook(args []string) int {
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	fs.ParseErrorsAllowlist.UnknownFlags = true
	folder := fs.String("cert-dir", "", "")
	if err := serveNonsense(fs, args, folder); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func serveNonsense(fs *pflag.FlagSet, args []string, folder *string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := fs.Parse(args); err != nil {
		return err
	}
	answer := os.Getenv(envAnswer)
	if answer == answerNoCA {
		*folder = ""
	}
	source, err := certs.Standalone(*folder, nil, time.Now(), certs.SourceHooks{})
	if err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answerOddly(w, r, answer) }),
		TLSConfig:         &tls.Config{GetCertificate: source.GetCertificate, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: time.Minute,
	}
	go func() {
		<-ctx.Done()
		_ = s.Close()
	}()
	_, _ = fmt.Fprintf(os.Stderr, "{\"msg\":\"serving\",\"listen\":%q}\n", listener.Addr())
	if err := s.ServeTLS(listener, "", ""); ctx.Err() == nil {
		return err
	}
	return nil
}

func answerOddly(w http.ResponseWriter, r *http.Request, answer string) {
	switch answer {
	case answerCrash:
		os.Exit(4) //nolint:forbidigo,revive // a crash is what is tested
	case answerStatus:
		http.Error(w, "not today", http.StatusInternalServerError)
		return
	case answerChatter:
		_, _ = fmt.Fprintln(os.Stderr, strings.Repeat("chatter ", 1<<16))
		answer = allowed
	}
	var review struct {
		Request struct {
			UID string `json:"uid"`
		} `json:"request"`
	}
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(w, strings.ReplaceAll(answer, "UID", review.Request.UID))
}

func complain([]string) int {
	_, _ = fmt.Fprintln(os.Stderr, "I am no webhook\nand take no --standalone")
	return 3
}

// neverServe tells that it runs, and waits for its end.
func neverServe([]string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var d net.Dialer
	conn, err := d.DialContext(context.Background(), "tcp", os.Getenv(envTell))
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	<-ctx.Done()
	_ = conn.Close()
	return 0
}
