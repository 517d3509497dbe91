package certs

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
)

// edit changes the data of a Secret as another client would.
func (w *world) edit(at string, change func(data map[string][]byte)) {
	w.Helper()
	o := w.api.get(at)
	data := decodeData(w, o)
	change(data)
	changed := maps.Clone(o)
	changed["data"] = data
	w.api.put(at, string(encode(w, changed)))
}

// remake deletes Secrets, and applies the manifests again.
func (w *world) remake(secrets ...string) {
	for _, at := range secrets {
		w.api.remove(at)
	}
	w.applySecrets()
}

// TestControllerMakesNoSecret: one that is missing is told of, with the cure, and
// what can be kept in order meanwhile is.
func TestControllerMakesNoSecret(t *testing.T) {
	t.Parallel()
	for at, name := range map[string]string{servingAt: "webhook-tls", authorityAt: "webhook-tls-ca"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				k, stop := w.controller(testConfig)
				defer stop()
				w.pass(time.Minute)
				w.wantOrder()
				w.api.remove(at)
				w.pass(time.Minute)
				if k.Ready() {
					w.Error("ready")
				}
				wantError(w, w.controllersTold().failure, "Secret netmode-system/"+name+" does not exist: apply netmode's manifests again, which bring it, empty")
				if at == servingAt {
					w.lawless = true
					w.api.put(mutateAt, configuration("netmode", "", ""))
					w.pass(90 * time.Second)
					if seen := w.state(); !seen.configurations[0].holds(encodeCertificates(seen.record.cas())) {
						w.Error("the caBundle is not in order")
					}
				}
				w.applySecrets()
				w.pass(settleTime + 90*time.Second)
				w.wantOrder()
				if !k.Ready() {
					w.Error("not ready")
				}
			})
		})
	}
}

// TestControllerRepairs: damage is made good again within seconds of its happening,
// and the log says why. Where a rotation must come first, what serves goes on
// serving meanwhile.
func TestControllerRepairs(t *testing.T) {
	t.Parallel()
	const soon, rotated = 5 * time.Second, settleTime + 10*time.Second
	foreign := func(w *world) KeyPair {
		a, err := NewAuthority("somebody's CA", time.Now(), 365*day)
		if err != nil {
			w.Fatal(err)
		}
		pair, err := a.Issue(testNames, time.Now(), 365*day)
		if err != nil {
			w.Fatal(err)
		}
		return pair
	}
	for _, tc := range []struct {
		what    string
		damage  func(w *world)
		lawless bool // the damage itself takes trust away
		within  time.Duration
		same    bool // the same certificate is served afterwards
		want    []string
	}{
		{"serving Secret made anew", func(w *world) { w.remake(servingAt) }, false, soon, true, []string{`"step"="serve" "reason"="it does not exist, or is empty"`}},
		{"serving Secret emptied", func(w *world) {
			w.edit(servingAt, func(data map[string][]byte) {
				data[certFile], data[keyFile], data[caFile] = []byte{}, []byte{}, []byte{}
			})
		},
			false, soon, true, []string{`"step"="serve" "reason"="it does not exist, or is empty"`}},
		{"serving Secret corrupted", func(w *world) {
			w.edit(servingAt, func(data map[string][]byte) { data[keyFile] = []byte("-----BEGIN PRIVATE KEY-----") })
		}, false, soon, true, []string{`"step"="serve" "reason"="tls.key: tls: `}},
		{"serving Secret with a foreign CA", func(w *world) {
			pair := foreign(w)
			w.edit(servingAt, func(data map[string][]byte) {
				data[certFile], data[keyFile], data[caFile] = pair.Cert, pair.Key, pair.CA
			})
		}, true, soon, true, []string{`"step"="serve" "reason"="tls.crt: not signed by a CA in ca.crt`}},
		{"authority Secret made anew", func(w *world) { w.remake(authorityAt) }, false, rotated, false, []string{`"step"="stage" "reason"="ca.crt, ca.key: certificate: no PEM certificate found"`, `"step"="promote"`}},
		{"authority Secret emptied", func(w *world) { w.edit(authorityAt, func(data map[string][]byte) { clear(data) }) }, false, rotated, false,
			[]string{`"step"="stage" "reason"="ca.crt, ca.key: certificate: no PEM certificate found"`, `"step"="promote"`}},
		{"authority Secret with a foreign CA", func(w *world) {
			a, err := NewAuthority("somebody's CA", time.Now(), 365*day)
			if err != nil {
				w.Fatal(err)
			}
			w.edit(authorityAt, func(data map[string][]byte) {
				if err := putAuthority(data, caFile, caKeyFile, a); err != nil {
					w.Error(err)
				}
			})
		}, false, rotated, false, []string{`"step"="stage" "reason"="ca.crt, ca.key: certificate: \"CN=somebody's CA,O=netmode\" is not the one CA that netmode made here"`, `"step"="promote"`}},
		{"both Secrets made anew", func(w *world) { w.remake(authorityAt, servingAt) }, false, rotated, false, []string{`"step"="stage"`, `"step"="promote"`, `"step"="serve"`}},
		{"caBundle emptied", func(w *world) { w.api.put(mutateAt, configuration("netmode", "", "")) }, true, soon, true, []string{`"step"="bundle" "reason"="caBundle is not the CAs of Secret webhook-tls-ca" "kind"="MutatingWebhookConfiguration" "name"="netmode"`}},
		{"caBundle of a foreign CA", func(w *world) { w.api.put(secondAt, configuration("netmode-too", string(foreign(w).CA))) }, true, soon, true,
			[]string{`"step"="bundle"`, `"name"="netmode-too"`}},
		{"configuration made anew", func(w *world) {
			w.api.remove(mutateAt)
			w.pass(time.Second)
			w.api.put(mutateAt, configuration("netmode", "", ""))
		}, true, soon, true, []string{`"step"="bundle"`}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				_, stop := w.controller(testConfig)
				defer stop()
				w.pass(time.Minute)
				before := w.wantOrder()
				w.log.take()
				w.lawless = tc.lawless
				tc.damage(w)
				w.pass(tc.within)
				after := w.wantOrder()
				if same := sameLeaf(before.serving, after.serving); same != tc.same {
					w.Errorf("the same certificate: %t", same)
				}
				wantText(w, w.log.take(), tc.want...)
			})
		})
	}
}

// TestControllerTouchesNothingElse: a caBundle is written only where it differs, and
// no other field changes, known or not.
func TestControllerTouchesNothingElse(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.api.put(servingAt, `{"metadata":{"name":"webhook-tls","labels":{"a":"b"},"annotations":{"c":"d"}},"type":"Opaque","data":{"note":"aGk="}}`)
		before := map[string]object{mutateAt: w.api.get(mutateAt), secondAt: w.api.get(secondAt)}
		k, stop := w.controller(testConfig)
		defer stop()
		w.pass(time.Minute)
		seen := w.wantOrder()
		bundle := base64.StdEncoding.EncodeToString(seen.serving.CA)
		for at, entries := range map[string][]int{mutateAt: {0, 1}, secondAt: {0}} {
			want := before[at]
			patch := `[{"op":"replace","path":"/metadata/generation","value":2}`
			for _, i := range entries {
				patch += fmt.Sprintf(`,{"op":"replace","path":"/webhooks/%d/clientConfig/caBundle","value":%q}`, i, bundle)
			}
			wantUnchanged(w, want, w.api.get(at), patch+"]")
		}
		held := w.api.get(servingAt)
		if diff := cmp.Diff(object{"a": "b"}, metaOf(held)["labels"]); diff != "" {
			w.Error(diff)
		}
		if data := decodeData(w, held); string(data["note"]) != "hi" || held["type"] != "Opaque" {
			w.Errorf("note %q, type %v", data["note"], held["type"])
		}

		// At rest nothing is written, however often the Controller looks.
		version := w.api.version
		w.pass(3 * k.recheck)
		if w.api.version != version {
			w.Errorf("%d writes at rest", w.api.version-version)
		}
		// One entry that differs is one that is written.
		w.lawless = true
		w.api.put(mutateAt, configuration("netmode", string(seen.serving.CA), ""))
		w.pass(5 * time.Second)
		w.wantOrder()
		if n := w.controllersTold().steps[StepBundle]; n != 3 {
			w.Errorf("%d caBundle writes, want the first two and one", n)
		}
	})
}

// wantUnchanged checks that a patch makes the one object the other, but for its
// resourceVersion.
func wantUnchanged(w *world, before, after object, text string) {
	w.Helper()
	patch, err := jsonpatch.DecodePatch([]byte(text))
	if err != nil {
		w.Fatal(err)
	}
	patched, err := patch.Apply(encode(w, before))
	if err != nil {
		w.Fatal(err)
	}
	want := object{}
	if err := json.Unmarshal(patched, &want); err != nil {
		w.Fatal(err)
	}
	got := object{}
	if err := json.Unmarshal(encode(w, after), &got); err != nil {
		w.Fatal(err)
	}
	delete(metaOf(want), "resourceVersion")
	delete(metaOf(got), "resourceVersion")
	if diff := cmp.Diff(want, got); diff != "" {
		w.Error(diff)
	}
}

// TestControllerRights: what a ServiceAccount needs, and no more: the chart's Role
// and ClusterRole say the same.
func TestControllerRights(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		_, stop := w.controller(testConfig)
		w.pass(70 * day)
		stop()
		w.wantOrder()
		var calls []string
		for call := range w.api.calls {
			if !strings.HasPrefix(call, "list ") { // only where an API server cannot stream lists
				calls = append(calls, strings.TrimSpace(call))
			}
		}
		slices.Sort(calls)
		if diff := cmp.Diff([]string{
			"get mutatingwebhookconfigurations netmode",
			"get mutatingwebhookconfigurations netmode-too",
			"get secrets webhook-tls",
			"get secrets webhook-tls-ca",
			"patch mutatingwebhookconfigurations netmode",
			"patch mutatingwebhookconfigurations netmode-too",
			"update secrets webhook-tls",
			"update secrets webhook-tls-ca",
			"watch mutatingwebhookconfigurations netmode",
			"watch mutatingwebhookconfigurations netmode-too",
			"watch secrets webhook-tls",
			"watch secrets webhook-tls-ca",
		}, calls); diff != "" {
			w.Error(diff)
		}
	})
}

// TestControllerNotes: what is not there, or calls another Service, is told once.
func TestControllerNotes(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		config := testConfig
		config.WebhookConfigurations = []string{"netmode", "absent"}
		k, stop := w.controller(config)
		defer stop()
		w.pass(3 * k.recheck)
		text := w.log.take()
		wantText(w, text, `"msg"="webhook configurations without a webhook that calls the Service" "what"="absent"`)
		if n := strings.Count(text, "absent"); n != 1 {
			w.Errorf("told %d times", n)
		}
	})
}

func TestControllerImmutableSecret(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.api.put(servingAt, `{"metadata":{"name":"webhook-tls"},"type":"kubernetes.io/tls","immutable":true,"data":{"tls.crt":"","tls.key":""}}`)
		_, stop := w.controller(testConfig)
		defer stop()
		w.pass(time.Minute)
		wantError(w, w.controllersTold().failure, "write Secret netmode-system/webhook-tls: ", "field is immutable", "delete the object, and apply netmode's manifests again, which bring it, empty")
		w.remake(servingAt)
		w.pass(2 * time.Minute)
		w.wantOrder()
	})
}
