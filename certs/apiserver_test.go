package certs

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// apiServer is as much of a Kubernetes API server as a Controller uses: objects are
// raw JSON, so fields that no Go type knows survive or are missed; every write
// is checked against resourceVersion; watches begin where they are asked to. The
// real client-go talks to it, without a network, so that a test's clock holds.
type apiServer struct {
	t testing.TB

	mu      sync.Mutex
	version int
	objects map[string]object // by path
	history []event
	wake    chan struct{} // closed at each event
	calls   map[string]bool

	// before may refuse a request, with an HTTP status; 0 lets it through. See
	// refuse to change it.
	before func(ctx context.Context, call apiCall) (status int)
	// lost says that the answer of a request that was served gets lost.
	lost func(call apiCall) bool
	// written is told of each write, within the lock.
	written func(path string, o object)
}

type object = map[string]any

type event struct {
	version int
	kind    string
	path    string
	object  object
}

type apiCall struct{ verb, resource, name string }

func (c apiCall) writes() bool { return slices.Contains([]string{"create", "update", "patch"}, c.verb) }

const (
	secretsPath  = "/api/v1/namespaces/netmode-system/secrets" //nolint:gosec // G101: a path
	mutatingPath = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
)

func newAPIServer(t testing.TB) *apiServer {
	return &apiServer{t: t, objects: map[string]object{}, wake: make(chan struct{}), calls: map[string]bool{}}
}

func (s *apiServer) client() kubernetes.Interface {
	client, err := kubernetes.NewForConfig(&rest.Config{
		Host: "http://apiserver.test", Transport: s, ContentConfig: rest.ContentConfig{ContentType: runtime.ContentTypeJSON},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return client
}

// RoundTrip serves a request in a goroutine of its own, and streams.
func (s *apiServer) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	reader, writer := io.Pipe()
	stop := context.AfterFunc(ctx, func() { _ = writer.CloseWithError(context.Cause(ctx)) })
	answer := &answer{pipe: writer, header: http.Header{}, begun: make(chan int, 1)}
	go func() {
		defer stop()
		s.serve(answer, r.WithContext(ctx))
		answer.WriteHeader(http.StatusOK)
		_ = writer.Close()
	}()
	select {
	case <-ctx.Done():
		cancel()
		return nil, ctx.Err()
	case code := <-answer.begun:
		return &http.Response{
			StatusCode: code, Status: strconv.Itoa(code) + " " + http.StatusText(code), Header: answer.header, Request: r,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1, Body: &body{reader, cancel},
		}, nil
	}
}

type body struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (b *body) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}

type answer struct {
	pipe   *io.PipeWriter
	header http.Header
	begun  chan int
	once   sync.Once
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(code int)        { a.once.Do(func() { a.begun <- code }) }
func (a *answer) Write(p []byte) (int, error) { a.WriteHeader(http.StatusOK); return a.pipe.Write(p) }

func (s *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	call, path := s.callOf(r)
	sent, err := io.ReadAll(orEmpty(r.Body))
	if err != nil {
		s.status(w, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	s.mu.Lock()
	s.calls[call.verb+" "+call.resource+" "+call.name] = true
	before := s.before
	s.mu.Unlock()
	if before != nil {
		if code := before(r.Context(), call); code != 0 {
			s.status(w, code, map[int]string{403: "Forbidden", 409: "Conflict", 429: "TooManyRequests", 500: "InternalError", 504: "Timeout"}[code], "refused by the test")
			return
		}
	}
	if call.verb == "watch" {
		s.watch(w, r, path, call.name)
		return
	}
	code, out := s.handle(call, path, sent)
	if s.lost != nil && s.lost(call) {
		<-r.Context().Done()
		return
	}
	if code >= 300 {
		reason, _ := out["reason"].(string)
		message, _ := out["message"].(string)
		s.status(w, code, reason, message)
		return
	}
	w.WriteHeader(code)
	s.send(w, out)
}

func orEmpty(r io.Reader) io.Reader {
	if r == nil {
		return strings.NewReader("")
	}
	return r
}

// callOf tells what RBAC would be asked, and the path of the collection.
func (s *apiServer) callOf(r *http.Request) (apiCall, string) {
	for resource, path := range map[string]string{
		"secrets":                       secretsPath,
		"mutatingwebhookconfigurations": mutatingPath,
	} {
		tail, ok := strings.CutPrefix(r.URL.Path, path)
		if !ok {
			continue
		}
		name := strings.TrimPrefix(tail, "/")
		verb := map[string]string{"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch"}[r.Method]
		if query := r.URL.Query(); name == "" && r.Method == http.MethodGet {
			verb = "list"
			if query.Get("watch") != "" {
				verb = "watch"
			}
			name = strings.TrimPrefix(query.Get("fieldSelector"), "metadata.name=")
		}
		return apiCall{verb, resource, name}, path
	}
	s.t.Errorf("request for %s %s", r.Method, r.URL)
	return apiCall{}, ""
}

func failure(code int, reason, message string) (int, object) {
	return code, object{"reason": reason, "message": message}
}

func (s *apiServer) handle(call apiCall, path string, sent []byte) (int, object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := path + "/" + call.name
	current, exists := s.objects[at]
	if !exists && (call.verb == "get" || call.verb == "update" || call.verb == "patch") {
		return failure(404, "NotFound", fmt.Sprintf("%s %q not found", call.resource, call.name))
	}
	switch call.verb {
	case "get":
		return 200, current
	case "list":
		items := []any{}
		if exists {
			items = append(items, current)
		}
		return 200, object{"metadata": object{"resourceVersion": strconv.Itoa(s.version)}, "items": items}
	case "create":
		s.t.Errorf("a Controller creates %s", path)
	}
	changed := object{}
	if call.verb == "patch" {
		patch, err := jsonpatch.DecodePatch(sent)
		if err != nil {
			return failure(400, "BadRequest", err.Error())
		}
		if sent, err = patch.Apply(encode(s.t, current)); err != nil {
			return failure(422, "Invalid", err.Error())
		}
	}
	if err := json.Unmarshal(sent, &changed); err != nil {
		return failure(400, "BadRequest", err.Error())
	}
	if metaOf(changed)["resourceVersion"] != metaOf(current)["resourceVersion"] {
		return failure(409, "Conflict", "the object has been modified; please apply your changes to the latest version and try again")
	}
	if current["immutable"] == true && !reflect.DeepEqual(changed["data"], current["data"]) {
		return failure(422, "Invalid", "data: Forbidden: field is immutable when `immutable` is set")
	}
	if reflect.DeepEqual(changed, current) {
		return 200, current // as etcd: no write, no new version
	}
	return 200, s.store("MODIFIED", at, changed)
}

func metaOf(o object) object {
	m, _ := o["metadata"].(object)
	return m
}

// store puts an object in place, with what the server fills in.
func (s *apiServer) store(kind, at string, o object) object {
	s.version++
	o = maps.Clone(o)
	m := maps.Clone(metaOf(o))
	m["resourceVersion"] = strconv.Itoa(s.version)
	old, exists := s.objects[at]
	if !exists {
		m["uid"] = fmt.Sprintf("uid-%d", s.version)
	}
	if _, isConfiguration := o["webhooks"]; isConfiguration {
		switch {
		case !exists:
			m["generation"] = float64(1)
		case !reflect.DeepEqual(old["webhooks"], o["webhooks"]):
			generation, _ := metaOf(old)["generation"].(float64)
			m["generation"] = generation + 1
		}
	}
	o["metadata"] = m
	if data, isSecret := o["data"].(object); isSecret && o["type"] == "kubernetes.io/tls" && (data["tls.crt"] == nil || data["tls.key"] == nil) {
		s.t.Errorf("%s: the API refuses a kubernetes.io/tls Secret without tls.crt and tls.key", at)
	}
	s.objects[at] = o
	s.tell(event{s.version, kind, at, o})
	if s.written != nil {
		s.written(at, o)
	}
	return o
}

func (s *apiServer) tell(e event) {
	s.history = append(s.history, e)
	close(s.wake)
	s.wake = make(chan struct{})
}

// watch streams events later than the version asked for, or all that is there
// and then a bookmark (KEP-3157).
func (s *apiServer) watch(w http.ResponseWriter, r *http.Request, path, name string) {
	query := r.URL.Query()
	from, _ := strconv.Atoi(query.Get("resourceVersion"))
	s.mu.Lock()
	current, exists := s.objects[path+"/"+name]
	version := s.version
	s.mu.Unlock()
	if query.Get("sendInitialEvents") == "true" {
		if exists {
			s.send(w, object{"type": "ADDED", "object": current})
		}
		kind := map[string]string{secretsPath: "Secret", mutatingPath: kindMutating}[path]
		group := map[bool]string{true: "v1", false: "admissionregistration.k8s.io/v1"}[path == secretsPath]
		s.send(w, object{"type": "BOOKMARK", "object": object{"kind": kind, "apiVersion": group, "metadata": object{
			"resourceVersion": strconv.Itoa(version), "annotations": object{metav1.InitialEventsAnnotationKey: "true"}}}})
		from = version
	}
	for {
		s.mu.Lock()
		begin, _ := slices.BinarySearchFunc(s.history, from+1, func(e event, v int) int { return e.version - v })
		later, wake := slices.Clone(s.history[begin:]), s.wake
		s.mu.Unlock()
		for _, e := range later {
			from = e.version
			if e.path == path+"/"+name {
				s.send(w, object{"type": e.kind, "object": e.object})
			}
		}
		select {
		case <-r.Context().Done():
			return
		case <-wake:
		}
	}
}

func (s *apiServer) send(w io.Writer, o object) { _, _ = w.Write(append(encode(s.t, o), '\n')) }

func (s *apiServer) status(w http.ResponseWriter, code int, reason, message string) {
	w.WriteHeader(code)
	s.send(w, object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message})
}

func encode(t testing.TB, o any) []byte {
	data, err := json.Marshal(o)
	if err != nil {
		t.Error(err)
	}
	return data
}

// put stores an object as another client would, over whatever is there.
func (s *apiServer) put(at string, text string) {
	o := object{}
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := "ADDED"
	if old, exists := s.objects[at]; exists {
		kind = "MODIFIED"
		metaOf(o)["uid"], metaOf(o)["generation"] = metaOf(old)["uid"], metaOf(old)["generation"]
	}
	s.store(kind, at, o)
}

func (s *apiServer) remove(at string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, exists := s.objects[at]; exists {
		s.version++
		delete(s.objects, at)
		o = maps.Clone(o)
		o["metadata"] = maps.Clone(metaOf(o))
		metaOf(o)["resourceVersion"] = strconv.Itoa(s.version)
		s.tell(event{s.version, "DELETED", at, o})
		if s.written != nil {
			s.written(at, nil)
		}
	}
}

// refuse sets what may refuse a request from now on; nil: nothing.
func (s *apiServer) refuse(before func(ctx context.Context, call apiCall) (status int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = before
}

func (s *apiServer) get(at string) object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[at]
}
