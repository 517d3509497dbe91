package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	stdjson "encoding/json" // the API types of Kubernetes are written for it
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/version"
)

const (
	webhookStopTimeout = 10 * time.Second
	webhookCallTimeout = 3 * time.Second // what the API server gives a webhook of netmode's
	maxAnswer          = 8 << 20
)

// webhookProcess is a netmode-webhook on loopback, with a certificate of its
// own making in a folder that goes with it.
type webhookProcess struct {
	url     string
	client  *http.Client
	command *exec.Cmd
	log     *bytes.Buffer
	drained chan struct{}
	cancel  context.CancelFunc
	folder  string
}

// startWebhook runs the program and waits until it serves.
func startWebhook(ctx context.Context, program string, flags []string) (_ *webhookProcess, err error) {
	folder, err := os.MkdirTemp("", "netmode-demo-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the webhook's certificate: %w: set TMPDIR to a folder that can be written", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	w := &webhookProcess{folder: folder, log: new(bytes.Buffer), drained: make(chan struct{}), cancel: cancel}
	defer func() {
		if err != nil {
			cancel()
			err = errors.Join(err, os.RemoveAll(folder))
		}
	}()
	args := append([]string{"--standalone", "--listen=127.0.0.1:0", "--ops-listen=127.0.0.1:0", "--log-format=json", "--log-level=info", "--cert-dir=" + folder}, flags...)
	w.command = exec.CommandContext(ctx, program, args...)
	w.command.Cancel = func() error { return w.command.Process.Signal(syscall.SIGTERM) }
	w.command.WaitDelay = webhookStopTimeout
	stderr, err := w.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := w.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w: name netmode-webhook with --webhook", program, err)
	}
	serving := make(chan string, 1)
	go w.follow(stderr, serving)
	address, ok := <-serving
	if !ok {
		<-w.drained
		err := w.command.Wait()
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("%s did not start: %w", program, ctx.Err())
		case err == nil:
			err = errors.New("it ended before it served")
		}
		return nil, fmt.Errorf("%s did not start: %w: name a netmode-webhook of version %s with --webhook; this one said: %s",
			program, err, version.Version, cmp.Or(strings.TrimSpace(w.log.String()), "nothing"))
	}
	ca, err := os.ReadFile(filepath.Join(folder, "ca.crt"))
	if err != nil {
		return nil, errors.Join(err, w.stop())
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	w.url = "https://" + address
	w.client = &http.Client{
		Timeout:   webhookCallTimeout,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
	}
	return w, nil
}

// follow reads the log to its end, and tells the address once it is there.
func (w *webhookProcess) follow(log io.Reader, serving chan<- string) {
	defer close(w.drained)
	defer close(serving)
	told := false
	for lines := bufio.NewScanner(log); lines.Scan(); {
		var line struct {
			Msg    string `json:"msg"`
			Listen string `json:"listen"`
		}
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" && !told {
			told = true
			serving <- line.Listen
		}
		if !told {
			w.log.Write(lines.Bytes())
			w.log.WriteByte('\n')
		}
	}
	_, _ = io.Copy(io.Discard, log) // behind a line too long to scan: nobody may wait to write
}

// stop ends the process as a kubelet would, by force if it takes too long, and
// removes what it left.
func (w *webhookProcess) stop() error {
	w.cancel()
	<-w.drained
	err := w.command.Wait()
	if errors.Is(err, context.Canceled) { // it ended well when told to
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("netmode-webhook did not stop cleanly: %w", err)
	}
	return errors.Join(err, os.RemoveAll(w.folder))
}

// review sends one request to an entry as the API server does and returns the
// response.
func (w *webhookProcess) review(ctx context.Context, entry api.Entry, request *admissionv1.AdmissionRequest) (*admissionv1.AdmissionResponse, error) {
	review := admissionv1.AdmissionReview{Request: request}
	review.SetGroupVersionKind(admissionv1.SchemeGroupVersion.WithKind("AdmissionReview"))
	body, err := stdjson.Marshal(&review)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+entry.Path()+"?timeout=3s", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := w.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("calling the webhook: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, fmt.Errorf("reading the webhook's answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the webhook answered %s: %s", answer.Status, bytes.TrimSpace(data))
	}
	var answered admissionv1.AdmissionReview
	if err := stdjson.Unmarshal(data, &answered); err != nil {
		return nil, fmt.Errorf("the webhook's answer: %w", err)
	}
	switch response := answered.Response; {
	case response == nil:
		return nil, errors.New("the webhook's answer has no response")
	case response.UID != request.UID:
		return nil, fmt.Errorf("the webhook answered request %s with uid %s", request.UID, response.UID)
	case answered.GroupVersionKind() != review.GroupVersionKind():
		return nil, fmt.Errorf("the webhook answered with %s", answered.GroupVersionKind())
	case (response.PatchType == nil) != (len(response.Patch) == 0):
		return nil, errors.New("the webhook's answer has a patch without patchType, or patchType without a patch")
	case response.PatchType != nil && *response.PatchType != admissionv1.PatchTypeJSONPatch:
		return nil, fmt.Errorf("the webhook's answer has patchType %q, which Kubernetes does not know", *response.PatchType)
	case !response.Allowed && response.Result == nil:
		return nil, errors.New("the webhook refused without saying why")
	default:
		return response, nil
	}
}
