package certs

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRecordKeepsAll: what is written is read back, and what else the Secret
// holds stays.
func TestRecordKeepsAll(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.now = s.now.Add(caDue)
	s.renewLeaf()
	s.until(StepPromote)
	s.record.retire(s.now.Add(day), s.foreignCA())
	before := s.data()
	before["note"] = []byte("hi")
	r := parseRecord(before)
	if r.signerFault+r.nextFault+r.leafFault+r.stateFault != "" {
		t.Errorf("faults: %q %q %q %q", r.signerFault, r.nextFault, r.leafFault, r.stateFault)
	}
	after := map[string][]byte{"note": []byte("hi"), certFile: []byte("old")}
	if err := r.writeTo(after); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	for _, key := range []string{caFile, caKeyFile, nextCAFile, nextKeyFile, certFile, keyFile, stateFile} {
		if len(after[key]) == 0 {
			t.Errorf("%s is missing", key)
		}
	}
	if len(r.cas()) != 3 || !r.settled.at.Equal(s.record.settled.at) || !r.signedUntil.Equal(r.leaf.leaf().NotAfter) {
		t.Errorf("%d CAs, settled at %s, signed until %s", len(r.cas()), r.settled.at, r.signedUntil)
	}
}

// TestRecordRetires: a CA is kept once, as long as asked at most, no longer than
// it lives, and of too many the first ones go.
func TestRecordRetires(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	r := s.record
	ca := s.foreignCA()
	for _, until := range []time.Duration{2 * day, 3 * day, day, 3 * day} {
		r.retire(testNow.Add(until), ca, r.signer.cert)
	}
	if len(r.retired) != 1 || !r.retired[0].until.Equal(testNow.Add(3*day)) {
		t.Errorf("%d retired, the first until %s", len(r.retired), r.retired[0].until)
	}
	r.retire(testNow.Add(1000*day), ca)
	if !r.retired[0].until.Equal(ca.NotAfter) {
		t.Errorf("kept until %s, beyond its end at %s", r.retired[0].until, ca.NotAfter)
	}
	for range maxRetired + 5 {
		r.retire(testNow.Add(day), s.foreignCA())
	}
	last := s.foreignCA()
	r.retire(testNow.Add(day), last)
	if len(r.retired) != maxRetired || !r.retired[maxRetired-1].cert.Equal(last) {
		t.Errorf("%d are kept, or not the last", len(r.retired))
	}
	if len(s.record.retired) != 0 {
		t.Error("the record that was copied has changed")
	}
}

func TestSettlementOf(t *testing.T) {
	t.Parallel()
	base := func() []webhookConfiguration {
		return []webhookConfiguration{
			{name: "a", uid: "1", generation: 1, resourceVersion: "5", entries: []webhookEntry{{}}},
			{name: "b", uid: "2", generation: 1},
		}
	}
	of := func(bundle string, change func(c []webhookConfiguration)) string {
		c := base()
		change(c)
		return settlementOf([]byte(bundle), c)
	}
	first := of("x", func([]webhookConfiguration) {})
	for what, tc := range map[string]struct {
		got  string
		same bool
	}{
		"again":                        {of("x", func([]webhookConfiguration) {}), true},
		"a label changed":              {of("x", func(c []webhookConfiguration) { c[0].resourceVersion = "6" }), true},
		"one without an entry changed": {of("x", func(c []webhookConfiguration) { c[1].generation = 2 }), true},
		"other CAs":                    {of("y", func([]webhookConfiguration) {}), false},
		"changed":                      {of("x", func(c []webhookConfiguration) { c[0].generation = 2 }), false},
		"made anew":                    {of("x", func(c []webhookConfiguration) { c[0].uid = "3" }), false},
		"renamed":                      {of("x", func(c []webhookConfiguration) { c[0].name = "c" }), false},
		"another name":                 {of("x", func(c []webhookConfiguration) { c[0].name = "other" }), false},
		"another one calls, too":       {of("x", func(c []webhookConfiguration) { c[1].entries = []webhookEntry{{}} }), false},
	} {
		if same := tc.got == first; same != tc.same {
			t.Errorf("%s: the same: %t", what, same)
		}
	}
}

// FuzzRecord: no Secret crashes the reading or the decision, each part is there
// or has a fault, and what was read is written and read again without one.
func FuzzRecord(f *testing.F) {
	s := newScene(f)
	good := s.data()
	s.now = s.now.Add(caDue)
	s.until(StepPromote)
	staged := s.data()
	for _, data := range []map[string][]byte{{}, good, staged} {
		f.Add(data[caFile], data[caKeyFile], data[nextCAFile], data[nextKeyFile], data[certFile], data[keyFile], data[stateFile])
	}
	f.Add(good[certFile], good[keyFile], good[caFile], good[caKeyFile], good[caFile], good[caKeyFile], []byte(`{"retired":[{"certificate":"x"}]}`))
	f.Add(good[caFile][:100], good[caKeyFile], []byte("x"), []byte("x"), good[certFile], staged[caKeyFile], []byte(`{"settledAt":"x"}`))
	f.Fuzz(func(t *testing.T, ca, caKey, next, nextKey, cert, key, state []byte) {
		r := parseRecord(map[string][]byte{caFile: ca, caKeyFile: caKey, nextCAFile: next, nextKeyFile: nextKey, certFile: cert, keyFile: key, stateFile: state})
		if (r.signer == nil) != (r.signerFault != "") || (r.leaf == nil) != (r.leafFault != "") || r.next != nil && r.nextFault != "" {
			t.Fatalf("signer %t %q, leaf %t %q, next %t %q", r.signer != nil, r.signerFault, r.leaf != nil, r.leafFault, r.next != nil, r.nextFault)
		}
		seen := currentState{record: r, serving: KeyPair{Cert: cert, Key: key, CA: ca}, configurations: []webhookConfiguration{{entries: []webhookEntry{{caBundle: ca}}}}}
		if d := decide(&seen, testNow, testRules); d.step != "" && d.reason == "" {
			t.Fatalf("step %q without a reason", d.step)
		}
		data := map[string][]byte{}
		if err := r.writeTo(data); err != nil {
			// A year that JSON cannot hold.
			return
		}
		again := parseRecord(data)
		if r.signer != nil && again.signerFault != "" || again.nextFault != "" || r.leaf != nil && again.leafFault != "" || again.stateFault != "" {
			t.Fatalf("read again: %q %q %q %q", again.signerFault, again.nextFault, again.leafFault, again.stateFault)
		}
	})
}

func TestBundlePatch(t *testing.T) {
	t.Parallel()
	c := webhookConfiguration{resourceVersion: "42", entries: []webhookEntry{{index: 0, caBundle: []byte("new")}, {index: 3, caBundle: []byte("old")}, {index: 11}}}
	patch, err := c.bundlePatch([]byte("new"))
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"op":"replace","path":"/metadata/resourceVersion","value":"42"},` +
		`{"op":"add","path":"/webhooks/3/clientConfig/caBundle","value":"bmV3"},` +
		`{"op":"add","path":"/webhooks/11/clientConfig/caBundle","value":"bmV3"}]`
	if diff := cmp.Diff(want, string(patch)); diff != "" {
		t.Error(diff)
	}
}

func TestAdvanceRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		step  Step
		rules rules
		want  string
	}{
		{StepServe, testRules, `step "serve": does not change the record`},
		{StepBegin, rules{names: testNames, leafLifetime: day}, "authority lifetime 0s: must be more than 0"},
		{StepStage, rules{names: testNames, leafLifetime: day}, "authority lifetime 0s: must be more than 0"},
		{StepIssue, rules{names: testNames, caLifetime: day}, "certificate lifetime 0s: must be more than 0"},
		{StepIssue, rules{caLifetime: day, leafLifetime: day}, "certificate names: none given"},
		{StepIssue, rules{names: testNames, caLifetime: day, leafLifetime: -2 * clockSkew}, "certificate lifetime -10m0s: must be more than 0"},
	} {
		t.Run(fmt.Sprint(tc.step, " ", tc.want), func(t *testing.T) {
			s := newScene(t)
			_, err := advance(&s.currentState, tc.step, s.now, tc.rules)
			wantError(t, err, tc.want)
		})
	}
}

// TestAdvanceMakesNothingUseless: a leaf that the next decision would refuse is
// an error, not the beginning of a loop.
func TestAdvanceMakesNothingUseless(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	_, err := advance(&s.currentState, StepIssue, s.now.Add(-day), s.rules)
	wantError(t, err, "the certificate just made is of no use: tls.crt: does not verify with ca.crt at 2026-05-31T12:00:00Z")
}

func TestBundlesKeepTheirBytes(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.now = s.now.Add(caDue)
	s.until(StepPromote)
	before := encodeCertificates(s.record.cas())
	s.take(StepPromote)
	if after := encodeCertificates(s.record.cas()); !bytes.Equal(before, after) {
		t.Error("the promotion changes the caBundle")
	}
}
