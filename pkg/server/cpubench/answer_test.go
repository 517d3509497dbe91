//go:build linux

package cpubench

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	evanphx "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// firstAnswer sends the review once, on every connection, and returns how long
// the answer is. An error says why it is not what served stands for.
func (c *client) firstAnswer(review []byte, served api.Mode) (size int, err error) {
	request := newRequest(c.process.address, review)
	for _, connection := range c.connections {
		if err := connection.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
			return 0, err
		}
		answer, err := connection.post(request)
		if err == nil {
			err = checkAnswer(review, answer, served)
		}
		if err != nil {
			return 0, fmt.Errorf("%w\n%s", err, c.process.tail())
		}
		size = len(answer)
	}
	return size, nil
}

// checkAnswer is an error unless the answer is for this review, allows the Pod,
// and patches it to what the served mode promises; "" promises no patch.
func checkAnswer(review, answer []byte, served api.Mode) error {
	var asked, answered admissionv1.AdmissionReview
	if err := errors.Join(json.Unmarshal(review, &asked), json.Unmarshal(answer, &answered)); err != nil {
		return fmt.Errorf("the answer %s: %w", answer, err)
	}
	response := answered.Response
	switch {
	case response == nil || answered.GroupVersionKind() != asked.GroupVersionKind():
		return fmt.Errorf("no AdmissionReview with a response: %s", answer)
	case response.UID != asked.Request.UID:
		return fmt.Errorf("response.uid %q, the review's is %q", response.UID, asked.Request.UID)
	case !response.Allowed:
		return fmt.Errorf("the Pod is refused: %s", answer)
	case served == "" && len(response.Patch) > 0:
		return fmt.Errorf("a patch that nobody asked for: %s", response.Patch)
	case served == "":
		return nil
	case response.PatchType == nil || *response.PatchType != admissionv1.PatchTypeJSONPatch:
		return fmt.Errorf("no JSON Patch: %s", answer)
	}
	patch, err := evanphx.DecodePatch(response.Patch)
	if err != nil {
		return fmt.Errorf("patch %s: %w", response.Patch, err)
	}
	patched, err := patch.Apply(asked.Request.Object.Raw)
	if err != nil {
		return fmt.Errorf("patch %s: %w", response.Patch, err)
	}
	var pod corev1.Pod
	if err := json.Unmarshal(patched, &pod); err != nil {
		return fmt.Errorf("patch %s: %w", response.Patch, err)
	}
	if !promised(&pod, served) {
		return fmt.Errorf("the patch does not make it a Pod of mode %s: %s", served, response.Patch)
	}
	return nil
}

func promised(pod *corev1.Pod, mode api.Mode) bool {
	switch mode {
	case api.ModeHostNetwork:
		return pod.Spec.HostNetwork && pod.Spec.DNSPolicy == corev1.DNSClusterFirstWithHostNet
	case api.ModeStatefulSetHeadless:
		config := pod.Spec.DNSConfig
		return config != nil && len(config.Searches) > 0 && config.Searches[0] == pod.Spec.Subdomain+"."+pod.Namespace+".svc.cluster.local"
	default:
		return false
	}
}

func TestCheckAnswer(t *testing.T) {
	const uid = "4bf8553b-1195-4a83-95b4-70669756647f"
	newAnswer := func(response string) string {
		return `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":` + response + `}`
	}
	patch := func(operations string) string {
		return newAnswer(`{"uid":"` + uid + `","allowed":true,"patchType":"JSONPatch","patch":` + string(encode(t, []byte(operations))) + `}`)
	}
	const hostNetwork = `{"op":"add","path":"/spec/hostNetwork","value":true}`
	for name, test := range map[string]struct {
		answer string
		served api.Mode
		want   string // of the error; "" is none
	}{
		"allowed":           {newAnswer(`{"uid":"` + uid + `","allowed":true}`), "", ""},
		"no JSON":           {"ok", "", "the answer ok: invalid character"},
		"no response":       {newAnswer("null"), "", "no AdmissionReview with a response"},
		"another version":   {`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","response":{}}`, "", "no AdmissionReview with a response"},
		"another uid":       {newAnswer(`{"uid":"1","allowed":true}`), "", `response.uid "1", the review's is "` + uid + `"`},
		"refused":           {newAnswer(`{"uid":"` + uid + `","allowed":false}`), "", "the Pod is refused"},
		"a needless patch":  {patch("[" + hostNetwork + "]"), "", "a patch that nobody asked for"},
		"no patch":          {newAnswer(`{"uid":"` + uid + `","allowed":true}`), api.ModeHostNetwork, "no JSON Patch"},
		"a bad patch":       {patch("{}"), api.ModeHostNetwork, "patch {}"},
		"a patch elsewhere": {patch(`[{"op":"remove","path":"/spec/absent/absent"}]`), api.ModeHostNetwork, "patch [{"},
		"half a patch":      {patch("[" + hostNetwork + "]"), api.ModeHostNetwork, "does not make it a Pod of mode hostnetwork"},
		"another mode":      {patch("[" + hostNetwork + "]"), api.ModeStatefulSetHeadless, "does not make it a Pod of mode statefulset-headless"},
		"hostnetwork": {patch("[" + hostNetwork + `,{"op":"replace","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"}]`),
			api.ModeHostNetwork, ""},
		"statefulset-headless": {patch(`[{"op":"add","path":"/spec/dnsConfig","value":{"searches":["d1.default.svc.cluster.local"]}}]`),
			api.ModeStatefulSetHeadless, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkAnswer(newReview(t, small, test.served), []byte(test.answer), test.served)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// TestYardsticks sees that the yardsticks do the work that they stand for.
func TestYardsticks(t *testing.T) {
	certDir, roots := newCertDir(t)
	for name, served := range map[string]api.Mode{noop: "", usual: api.ModeHostNetwork} {
		c := dial(t, startYardstick(t, name, certDir), roots)
		for _, size := range sizes() {
			if _, err := c.firstAnswer(newReview(t, size, api.ModeHostNetwork), served); err != nil {
				t.Errorf("%s, %s Pod: %v", name, size, err)
			}
		}
	}
}
