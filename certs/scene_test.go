package certs

import (
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var testRules = rules{names: testNames, caLifetime: 365 * day, leafLifetime: 90 * day}

// scene is a cluster in order at testNow, for a test to damage.
type scene struct {
	testing.TB
	currentState
	now   time.Time
	rules rules
}

func newScene(t testing.TB) *scene {
	t.Helper()
	s := &scene{TB: t, now: testNow, rules: testRules}
	s.configurations = []webhookConfiguration{
		{name: "netmode", uid: "1", generation: 1, entries: []webhookEntry{{index: 0}, {index: 2}}},
		{name: "netmode-too", uid: "2", generation: 1, entries: []webhookEntry{{index: 0}}},
	}
	s.record = parseRecord(nil)
	s.toRest()
	return s
}

// toRest does what is decided until there is nothing left, in words: the steps,
// and wait for a time that went by. The reason is of the first decision.
func (s *scene) toRest() (steps []string, reason string) {
	s.Helper()
	for range 30 {
		d := decide(&s.currentState, s.now, s.rules)
		if reason == "" {
			reason = d.reason + d.serveReason + d.waiting
		}
		switch {
		case d.step != "":
			s.take(d.step)
			steps = append(steps, string(d.step))
		case len(d.bundles) > 0 || d.serve != nil:
			if len(d.bundles) > 0 {
				s.trust(encodeCertificates(s.record.cas()))
				steps = append(steps, string(StepBundle))
			}
			if d.serve != nil {
				s.serving = *d.serve
				steps = append(steps, string(StepServe))
			}
		case d.waiting != "" && !d.wake.IsZero() && d.wake.Sub(s.now) <= settleTime+clockSkew:
			if !d.wake.After(s.now) {
				s.Fatalf("waits until %s, and it is %s", d.wake, s.now)
			}
			s.now = d.wake
			steps = append(steps, "wait")
		default:
			return steps, reason
		}
	}
	s.Fatalf("never comes to rest: %q", steps)
	return nil, ""
}

// take makes the step, and reads the record back as the next Controller would.
func (s *scene) take(step Step) {
	s.Helper()
	before := s.data()
	next, err := advance(&s.currentState, step, s.now, s.rules)
	if err != nil {
		s.Fatalf("%s: %v", step, err)
	}
	if diff := cmp.Diff(before, s.data()); diff != "" {
		s.Fatalf("%s changed what was seen: %s", step, diff)
	}
	data := map[string][]byte{}
	if err := next.writeTo(data); err != nil {
		s.Fatal(err)
	}
	s.record = parseRecord(data)
}

// data is the record as the authority Secret holds it.
func (s *scene) data() map[string][]byte {
	s.Helper()
	data := map[string][]byte{}
	if err := s.record.writeTo(data); err != nil {
		s.Fatal(err)
	}
	return data
}

// edit changes the authority Secret.
func (s *scene) edit(change func(data map[string][]byte)) {
	s.Helper()
	data := s.data()
	change(data)
	s.record = parseRecord(data)
}

// trust puts a caBundle into every webhook configuration.
func (s *scene) trust(bundle []byte) {
	for i := range s.configurations {
		c := &s.configurations[i]
		if c.err != nil || c.holds(bundle) {
			continue
		}
		c.generation++
		c.entries = slices.Clone(c.entries)
		for j := range c.entries {
			c.entries[j].caBundle = bundle
		}
	}
}

// foreign is a certificate in order, of a CA of somebody else.
func (s *scene) foreign(names ...string) KeyPair {
	s.Helper()
	a, err := NewAuthority("somebody's CA", s.now, 365*day)
	if err != nil {
		s.Fatal(err)
	}
	pair, err := a.Issue(names, s.now, 365*day)
	if err != nil {
		s.Fatal(err)
	}
	return pair
}

// until lets time go by up to just before a rotation's step, or to its end.
func (s *scene) until(step Step) {
	s.Helper()
	for range 30 {
		d := decide(&s.currentState, s.now, s.rules)
		switch {
		case d.step == step || step == StepBundle && len(d.bundles) > 0 || step == StepServe && d.serve != nil:
			return
		case d.step != "":
			s.take(d.step)
		case len(d.bundles) > 0:
			s.trust(encodeCertificates(s.record.cas()))
		case d.serve != nil:
			s.serving = *d.serve
		default:
			s.now = d.wake
		}
	}
	s.Fatalf("step %q never comes", step)
}

// expect checks the steps to rest, and why the first one was taken.
func (s *scene) expect(want, why []string) {
	s.Helper()
	steps, reason := s.toRest()
	if diff := cmp.Diff(want, steps); diff != "" {
		s.Errorf("because %q: %s", reason, diff)
	}
	wantText(s, reason, why...)
}

// renewLeaf issues and serves another leaf.
func (s *scene) renewLeaf() {
	s.Helper()
	s.take(StepIssue)
	s.serving = KeyPair{Cert: s.record.leaf.cert, Key: s.record.leaf.key, CA: encodeCertificates(s.record.cas())}
}

// foreignCA is the certificate of a CA of somebody else.
func (s *scene) foreignCA() *x509.Certificate {
	s.Helper()
	a, err := NewAuthority("somebody's CA", s.now, 365*day)
	if err != nil {
		s.Fatal(err)
	}
	return a.cert
}
