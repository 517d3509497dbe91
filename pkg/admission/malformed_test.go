package admission

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/plan"
)

// replaced is the fixture with one piece of its text replaced.
func replaced(tb testing.TB, name, old, with string) string {
	tb.Helper()
	body := string(fixture(tb, name))
	if strings.Count(body, old) == 0 {
		tb.Fatalf("%s holds no %s", name, old)
	}
	return strings.Replace(body, old, with, 1)
}

func TestBadReviews(t *testing.T) {
	pod := string(fixture(t, replicaSetPod))
	edit := func(old, with string) string { return replaced(t, replicaSetPod, old, with) }
	for _, tt := range []struct{ name, body, want string }{
		{"empty", "", "EOF"},
		{"blank", " \n\t ", "EOF"},
		{"not JSON", "kind: AdmissionReview", "invalid character 'k' at start of value"},
		{"not an object", `"review"`, "the object: is a string, and must be an object"},
		{"null", "null", "it is nothing of nothing"},
		{"cut off", pod[:len(pod)/2], "EOF"},
		{"trailing word", pod + "x", "something behind the value"},
		{"trailing review", pod + pod, "something behind the value"},
		{"other version", edit("admission.k8s.io/v1", "admission.k8s.io/v1beta1"), `it is "AdmissionReview" of "admission.k8s.io/v1beta1", and netmode speaks AdmissionReview of admission.k8s.io/v1`},
		{"other kind", edit("AdmissionReview", "ConversionReview"), `it is "ConversionReview" of "admission.k8s.io/v1", and netmode speaks AdmissionReview of admission.k8s.io/v1`},
		{"no version", `{"kind":"AdmissionReview","request":{"uid":"u"}}`, `it is "AdmissionReview" of nothing, and netmode speaks AdmissionReview of admission.k8s.io/v1`},
		{"no request", `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}`, "request is missing; netmode speaks AdmissionReview of admission.k8s.io/v1"},
		{"request null", `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":null}`, "request is missing; netmode speaks AdmissionReview of admission.k8s.io/v1"},
		{"request a list", `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":[]}`, "request: is a list, and must be an object; netmode speaks"},
		{"request cut off", `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":`, "EOF"},
		{"no uid", edit(`"uid":"4bf8553b-1195-4a83-95b4-70669756647f",`, ""), "request.uid is missing; netmode speaks AdmissionReview of admission.k8s.io/v1"},
		{"uid empty", edit("4bf8553b-1195-4a83-95b4-70669756647f", ""), "request.uid is missing"},
		{"uid a number", edit(`"4bf8553b-1195-4a83-95b4-70669756647f"`, "7"), `request.uid: is a number, and must be a string: put quotes around it`},
		{"kind a string", edit(`"kind":{"group":"","version":"v1","kind":"Pod"}`, `"kind":"Pod"`), `request.kind: is a string, and must be an object`},
		{"key in the case of another", edit(`"uid":"4bf8`, `"UID":"4bf8`), "request.uid is missing"},

		{"key twice at the top", edit(`{"kind":"AdmissionReview"`, `{"kind":"AdmissionReview","kind":"AdmissionReview"`), `duplicate object member name "kind"`},
		{"key twice in the request", edit(`"namespace":"default"`, `"namespace":"default","namespace":"kube-system"`), `duplicate object member name "namespace"`},
		{"object twice", edit(`"oldObject":null`, `"object":{}`), `duplicate object member name "object"`},
		{"key twice deep in the object", edit(`"image":`, `"image":"a","image":`), `duplicate object member name "image"`},
		{"key twice where netmode does not look", edit(`"f:containers":{`, `"f:containers":{},"f:containers":{`), `duplicate object member name "f:containers"`},
		{"key twice in userInfo", edit(`"username":`, `"username":"admin","username":`), `duplicate object member name "username"`},
		{"key twice, once escaped", edit(`"dnsPolicy":`, `"\u0064nsPolicy":"None","dnsPolicy":`), `duplicate object member name "dnsPolicy"`},
		{"key twice behind a bad object", edit(`"spec":{"volumes"`, `"spec":[],"spec":{"volumes"`), `duplicate object member name "spec"`},

		{"invalid UTF-8 in a value", edit("busybox:local", "busybox\xff"), "invalid UTF-8"},
		{"invalid UTF-8 in a key", edit(`"dryRun"`, "\"dry\xc3\x28\""), "invalid UTF-8"},
		{"half a surrogate pair", edit("busybox:local", `busybox\ud800`), "invalid surrogate pair"},
		{"NaN", edit(`"priority":0`, `"priority":NaN`), "invalid character 'N'"},
		{"comment", edit(`"spec":{`, `"spec":{/*x*/`), "invalid character '/'"},
		{"100,000 deep in the object", edit(`"volumes":`, `"x":`+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)+`,"volumes":`), "exceeded max depth"},
		{"100,000 deep at the top", strings.Repeat(`{"a":`, 100_000), "exceeded max depth"},
		{"bad object behind another version", badObjectFirst("admission.k8s.io/v1beta1", "u"), `of "admission.k8s.io/v1beta1", and netmode speaks`},
		{"bad object without uid", badObjectFirst("admission.k8s.io/v1", ""), "request.uid is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer, rec, err := newReviewer(t).Review(t.Context(), []byte(tt.body))
			if !errors.Is(err, ErrBadReview) {
				t.Fatalf("error %v, want a bad review; answer %s", err, answer)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want %q in it", err, tt.want)
			}
			if answer != nil || rec.Decision != "" {
				t.Errorf("answer %s, record %+v, want none", answer, rec)
			}
		})
	}
}

// badObjectFirst is a review whose object, which does not decode, comes before
// all that says what it is.
func badObjectFirst(version, uid string) string {
	return fmt.Sprintf(`{"request":{"object":{"spec":"x"},"uid":%q,"namespace":"a","operation":"CREATE","kind":{"group":"","version":"v1","kind":"Pod"}},"kind":"AdmissionReview","apiVersion":%q}`, uid, version)
}

func TestObjectsThatDoNotDecode(t *testing.T) {
	for _, tt := range []struct{ name, fixture, object, want string }{
		{"a string", replicaSetPod, `"Pod"`, "the object: is a string, and must be an object"},
		{"a list", replicaSetPod, `[]`, "the object: is a list, and must be an object"},
		{"false", replicaSetPod, `false`, "the object: is false, and must be an object"},
		{"spec a string", replicaSetPod, `{"spec":"x"}`, "spec: is a string, and must be an object"},
		{"containers a map", replicaSetPod, `{"spec":{"containers":{}}}`, "spec.containers: is an object, and must be a list"},
		{"container a number", replicaSetPod, `{"spec":{"containers":[{},5]}}`, "spec.containers[1]: is a number, and must be an object"},
		{"hostPort a string", replicaSetPod, `{"spec":{"containers":[{"ports":[{"hostPort":"80"}]}]}}`, "spec.containers[0].ports[0].hostPort: is a string, and must be a whole number"},
		{"hostPort too large", replicaSetPod, `{"spec":{"containers":[{"ports":[{"hostPort":1e99}]}]}}`, "spec.containers[0].ports[0].hostPort: Invalid value: 1e99: must be a whole number: invalid syntax"},
		{"hostPort beyond int32", replicaSetPod, `{"spec":{"containers":[{"ports":[{"hostPort":2147483648}]}]}}`, "spec.containers[0].ports[0].hostPort: Invalid value: 2147483648: must be a whole number: value out of range"},
		{"hostPort a fraction", replicaSetPod, `{"spec":{"containers":[{"ports":[{"hostPort":1.5}]}]}}`, "spec.containers[0].ports[0].hostPort: Invalid value: 1.5: must be a whole number: invalid syntax"},
		{"metadata a list", replicaSetPod, `{"metadata":[]}`, "metadata: is a list, and must be an object"},
		{"hostNetwork a string", replicaSetPod, `{"spec":{"hostNetwork":"true"}}`, "spec.hostNetwork: is a string, and must be true or false"},
		{"hostUsers a number", replicaSetPod, `{"spec":{"hostUsers":0}}`, "spec.hostUsers: is a number, and must be true or false"},
		{"dnsConfig a list", replicaSetPod, `{"spec":{"dnsConfig":[]}}`, "spec.dnsConfig: is a list, and must be an object"},
		{"annotation a number", replicaSetPod, `{"metadata":{"annotations":{"netmode.io/mode":1}}}`, "metadata.annotations[netmode.io/mode]: is a number, and must be a string: put quotes around it"},
		{"label an object", serviceCreate, `{"metadata":{"labels":{"app":{}}}}`, "metadata.labels.app: is an object, and must be a string"},
		{"port a string", serviceCreate, `{"spec":{"ports":[{"port":"http"}]}}`, "spec.ports[0].port: is a string, and must be a whole number"},
		{"targetPort an object", serviceCreate, `{"spec":{"ports":[{"targetPort":{}}]}}`, "spec.ports[0].targetPort: is an object, and must be a whole number"},
		{"selector a list", serviceCreate, `{"spec":{"selector":[]}}`, "spec.selector: is a list, and must be an object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := withObject(t, tt.fixture, []byte(tt.object))
			_, rec := ask(t, newReviewer(t), body)
			if rec.Decision != Malformed || rec.Message != tt.want {
				t.Errorf("%s: %q, want %q", rec.Decision, rec.Message, tt.want)
			}
			if rec.Namespace != "default" || rec.Kind == KindOther {
				t.Errorf("record %+v, want what the request says", rec)
			}
		})
	}
}

func TestMissingObjectOrNamespace(t *testing.T) {
	const noObject = "request.object: Required value: there is no object to look at"
	for _, tt := range []struct{ name, body, want string }{
		{"object null", string(withObject(t, replicaSetPod, []byte("null"))), noObject},
		{"object absent", replaced(t, serviceCreate, `"object":`, `"another":`), noObject},
		{"Pod without namespace", replaced(t, replicaSetPod, `"namespace":"default","operation"`, `"operation"`), "request.namespace: Required value: Pods, Services and workloads live in a namespace"},
		{"Service without namespace", replaced(t, serviceCreate, `"namespace":"default","operation"`, `"namespace":"","operation"`), "request.namespace: Required value: Pods, Services and workloads live in a namespace"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, rec := ask(t, newReviewer(t), []byte(tt.body))
			if rec.Decision != Malformed || rec.Message != tt.want {
				t.Errorf("%s: %q, want %q", rec.Decision, rec.Message, tt.want)
			}
		})
	}
}

// The members of a request may come in any order: its answer is the same.
func TestMembersInAnyOrder(t *testing.T) {
	const pod = `"kind":{"group":"","version":"v1","kind":"Pod"}`
	for _, tt := range []struct {
		name     string
		members  []string
		decision Decision
		reason   plan.Reason
		message  string
	}{
		{
			"good object", []string{`"uid":"u"`, pod, `"operation":"CREATE"`, `"namespace":"a"`, `"object":{"metadata":{"annotations":{"netmode.io/mode":"hostnetwork"}}}`},
			Patched, plan.HostNetworkSet, "",
		},
		{
			"bad object", []string{`"uid":"u"`, pod, `"operation":"CREATE"`, `"namespace":"a"`, `"object":{"spec":{"containers":{}}}`},
			Malformed, "", "spec.containers: is an object, and must be a list",
		},
		{
			"subresource", []string{`"uid":"u"`, pod, `"operation":"CREATE"`, `"subResource":"eviction"`, `"object":{"metadata":{"annotations":{"netmode.io/mode":"hostnetwork"}}}`},
			Unchanged, plan.UnsupportedKind, "",
		},
		{
			"subresource with an object that is no Pod", []string{`"uid":"u"`, pod, `"operation":"CREATE"`, `"subResource":"exec"`, `"object":{"spec":"x"}`},
			Unchanged, plan.UnsupportedKind, "",
		},
		{
			"another kind", []string{`"uid":"u"`, `"kind":{"group":"apps","version":"v1","kind":"ReplicaSet"}`, `"operation":"CREATE"`, `"namespace":"a"`, `"object":{"spec":5}`},
			Unchanged, plan.UnsupportedKind, "",
		},
		{
			"no kind", []string{`"uid":"u"`, `"operation":"CREATE"`, `"namespace":"a"`, `"object":{"spec":5}`},
			Unchanged, plan.UnsupportedKind, "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newReviewer(t)
			var first string
			orders := 0
			permute(tt.members, func(members []string) {
				orders++
				body := []byte(`{"request" : {` + strings.Join(members, " ,\n ") + `} , "kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}`)
				answer, rec, err := r.Review(t.Context(), body)
				if err != nil {
					t.Fatalf("%s: %v", body, err)
				}
				resp := readAnswer(t, body, answer, rec)
				if rec.Decision != tt.decision || rec.Message != tt.message || !contains(rec.Reasons, tt.reason) {
					t.Errorf("%s: %s %q %v, want %s %q %s", body, rec.Decision, rec.Message, rec.Reasons, tt.decision, tt.message, tt.reason)
				}
				apply(t, body, resp.Patch)
				if first == "" {
					first = string(answer)
				}
				if string(answer) != first {
					t.Errorf("%s: %s, and in another order %s", body, answer, first)
				}
			})
			if want := map[int]int{4: 24, 5: 120}[len(tt.members)]; orders != want {
				t.Errorf("%d orders, want %d", orders, want)
			}
		})
	}
}

// permute calls visit with every order of the items.
func permute(items []string, visit func([]string)) {
	var rest func(chosen, left []string)
	rest = func(chosen, left []string) {
		if len(left) == 0 {
			visit(chosen)
			return
		}
		for i := range left {
			rest(append(slices.Clone(chosen), left[i]), slices.Delete(slices.Clone(left), i, i+1))
		}
	}
	rest(nil, items)
}

// What is nested less deeply than the decoder allows is a field like any other.
func TestDeepUnknownFieldIsKept(t *testing.T) {
	deep := strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000)
	body := []byte(replaced(t, serviceUpdate, `"oldObject":`, `"invented":`+deep+`,"oldObject":`))
	if _, rec := ask(t, newReviewer(t), body); rec.Decision != Unchanged {
		t.Errorf("%s: %s", rec.Decision, rec.Message)
	}
	body = withObject(t, replicaSetPod, []byte(`{"x":`+deep+`,"metadata":{"annotations":{"netmode.io/mode":"hostnetwork"}}}`))
	resp, rec := ask(t, newReviewer(t), body)
	if rec.Decision != Patched || !strings.Contains(string(apply(t, body, resp.Patch)), deep) {
		t.Errorf("%s: the deep field is gone", rec.Decision)
	}
}
