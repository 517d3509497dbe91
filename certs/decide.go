package certs

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"
)

// settleTime is how long new CAs must have been in every caBundle before a leaf
// of theirs is served: 60 s for all API servers to hear of it, and 30 s for
// clocks that differ between two Controllers.
const settleTime = 90 * time.Second

// Step is one change on the way to certificates in order, or in their rotation.
type Step string

// The steps. Each is one write, and any of them may be the last one before a
// restart: the next Controller reads where it stood and goes on.
const (
	StepBegin   Step = "begin"   // a new CA and a leaf, where nothing is served that could break
	StepStage   Step = "stage"   // a new CA, to be put into every caBundle beside the old ones
	StepAdopt   Step = "adopt"   // CAs found trusted and in use are kept beside the own one
	StepIssue   Step = "issue"   // a new leaf from the CA that signs
	StepSettle  Step = "settle"  // every caBundle has been seen with all the CAs: the wait begins
	StepPromote Step = "promote" // the staged CA signs from now on, first a new leaf
	StepRetire  Step = "retire"  // a CA leaves whose last leaf has expired
	StepBundle  Step = "bundle"  // a configuration's caBundle is written
	StepServe   Step = "serve"   // the serving Secret is written
)

// Steps are all the steps.
func Steps() []Step {
	return []Step{StepBegin, StepStage, StepAdopt, StepIssue, StepSettle, StepPromote, StepRetire, StepBundle, StepServe}
}

// currentState is all that a decision looks at, as it was read from the API.
type currentState struct {
	record         record
	serving        KeyPair // what the serving Secret holds; nothing: there is none
	configurations []webhookConfiguration
}

// decision is what to do next: one step that changes the record, or else any
// number of writes that make the cluster what the record says, or nothing.
type decision struct {
	step   Step
	reason string

	bundles     []webhookConfiguration // whose caBundle differs
	serve       *KeyPair               // what the serving Secret must hold, if it does not
	serveReason string

	waiting string    // what a rotation waits for
	wake    time.Time // when there is something to do again without an event; zero: never
}

// rules are what decisions depend on beside what is seen.
type rules struct {
	names        []string // that the leaf must bear
	caLifetime   time.Duration
	leafLifetime time.Duration
}

// decide says what to do next at a time, and why. It changes nothing; whoever
// does what it says, sees the cluster anew, and asks again gets to rest.
//
// What must always hold: a leaf that may be served verifies with every caBundle
// that an API server may act on. So a CA comes into all caBundles settleTime
// before its first leaf is served, and stays until its last leaf has expired.
// Only where nothing in service can break is there no wait.
func decide(seen *currentState, now time.Time, with rules) decision {
	r := &seen.record
	unread := unreadNames(seen.configurations)
	if (r.signer == nil && r.next == nil || r.stateFault != "") && unread != "" {
		return decision{waiting: "the CAs that are trusted now must not be lost: " + unread + " must be readable"}
	}
	if step, reason := recordStep(seen, now, with); step != "" {
		return decision{step: step, reason: reason}
	}

	cas := r.cas()
	bundle := encodeCertificates(cas)
	d := decision{wake: nextDue(r, now)}
	for _, c := range seen.configurations {
		if c.err == nil && !c.holds(bundle) {
			d.bundles = append(d.bundles, c)
		}
	}
	serve, reason := servingGap(seen, bundle, now, with)
	unsafe := serve != nil && !safeToServe(seen, serve, cas, now, with)
	if !unsafe {
		d.serve, d.serveReason = serve, reason
	}
	mustSettle := unsafe || r.next != nil
	if d.serve != nil || len(d.bundles) > 0 || !mustSettle {
		return d
	}
	return settle(seen, d, bundle, serve, reason, unread, now)
}

// recordStep says which part of the record must change before all else.
func recordStep(seen *currentState, now time.Time, with rules) (Step, string) {
	r := &seen.record
	if r.signer == nil && r.next == nil {
		if len(trusted(seen.configurations, now)) == 0 {
			return StepBegin, r.signerFault
		}
		return StepStage, r.signerFault
	}
	if r.stateFault != "" {
		return StepAdopt, r.stateFault
	}
	live, _ := liveLeaf(seen, now, with)
	if live != nil && !live.verifiesUnder(now, r.cas()...) {
		return StepAdopt, fmt.Sprintf("%s: served and trusted by a caBundle, but of a CA that netmode does not know: %q", certFile, live.leaf().Issuer)
	}
	if r.nextFault != "" {
		return StepStage, r.nextFault
	}
	if r.next != nil {
		if h, reason := r.next.judge(now); h != healthy {
			return StepStage, "before it signed anything, " + reason
		}
		if !r.protects(now) {
			return StepPromote, "nothing that clients accept is in service: no need to wait"
		}
	}
	if r.usable(now) {
		if reason := leafFault(r, now, with); reason != "" {
			return StepIssue, reason
		}
	}
	if r.next == nil {
		if h, reason := r.signer.judge(now); h != healthy {
			if !r.protects(now) {
				return StepBegin, reason
			}
			return StepStage, reason
		}
	}
	for _, old := range r.retired {
		if !now.Before(old.trustedUntil()) && !r.leans(old.cert, now) {
			return StepRetire, fmt.Sprintf("the last leaf of the CA %s expired at %s", old.cert.SerialNumber.Text(16), stamp(old.until))
		}
	}
	return "", ""
}

// leafFault says why the signer must issue another leaf. A leaf that is due but
// lives as long as its CA waits for the next one: another would live no longer.
func leafFault(r *record, now time.Time, with rules) string {
	if r.leaf == nil {
		return r.leafFault
	}
	h, reason := r.leaf.under(r.signer.cert).judge(with.names, now)
	if h == broken || h == due && r.leaf.leaf().NotAfter.Before(r.signer.cert.NotAfter) {
		return reason
	}
	return ""
}

// leans says whether the record's leaf works only as long as this CA is trusted.
func (r *record) leans(ca *x509.Certificate, now time.Time) bool {
	return r.leaf != nil && r.leaf.verifiesUnder(now, ca) &&
		(r.signer == nil || !r.leaf.verifiesUnder(now, r.signer.cert))
}

// liveLeaf is what the serving Secret holds, if clients that trust some caBundle
// accept it now, and the certificates there that they accept it for.
func liveLeaf(seen *currentState, now time.Time, with rules) (*leaf, []*x509.Certificate) {
	held, err := newLeaf(seen.serving.Cert, seen.serving.Key)
	if err != nil {
		return nil, nil
	}
	for _, name := range with.names {
		if held.leaf().VerifyHostname(name) != nil {
			return nil, nil
		}
	}
	var issuers []*x509.Certificate
	for _, ca := range trusted(seen.configurations, now) {
		if held.verifiesUnder(now, ca) {
			issuers = append(issuers, ca)
		}
	}
	if len(issuers) == 0 {
		return nil, nil
	}
	return held, issuers
}

// servingGap is what the serving Secret must hold, if it does not hold it, and
// why. Nothing of use in the record leaves it as it is.
func servingGap(seen *currentState, bundle []byte, now time.Time, with rules) (*KeyPair, string) {
	r, held := &seen.record, seen.serving
	if r.leaf == nil || !r.leaf.verifiesUnder(now, r.cas()...) {
		return nil, ""
	}
	want := KeyPair{Cert: r.leaf.cert, Key: r.leaf.key, CA: bundle}
	if sameLeaf(want, held) && bytes.Equal(want.CA, held.CA) {
		return nil, ""
	}
	if len(held.Cert) == 0 && len(held.Key) == 0 && len(held.CA) == 0 {
		return &want, "it does not exist, or is empty"
	}
	held.CA = bundle
	if _, reason := NeedsRenewal(held, with.names, now); reason != "" {
		return &want, reason
	}
	if sameLeaf(want, held) {
		return &want, caFile + ": is not the CAs that caBundles have"
	}
	return &want, certFile + ": is not the certificate that was issued last"
}

func sameLeaf(a, b KeyPair) bool { return bytes.Equal(a.Cert, b.Cert) && bytes.Equal(a.Key, b.Key) }

// safeToServe says whether the leaf can replace at once what is being served:
// whoever trusts the one trusts the other, or nobody trusts what is there.
func safeToServe(seen *currentState, want *KeyPair, cas []*x509.Certificate, now time.Time, with rules) bool {
	live, _ := liveLeaf(seen, now, with)
	if live == nil || sameLeaf(*want, seen.serving) {
		return true
	}
	return slices.ContainsFunc(cas, func(ca *x509.Certificate) bool {
		return live.verifiesUnder(now, ca) && seen.record.leaf.verifiesUnder(now, ca)
	})
}

// settle waits until all caBundles have held the CAs for settleTime, and then
// lets the staged CA sign, or the leaf be served.
func settle(seen *currentState, d decision, bundle []byte, serve *KeyPair, serveReason, unread string, now time.Time) decision {
	r := &seen.record
	if unread != "" {
		d.waiting = "a CA in rotation must be in every caBundle first: " + unread + " must be readable"
		return d
	}
	of := settlementOf(bundle, seen.configurations)
	until := r.settled.at.Add(settleTime)
	switch {
	case r.settled.of != of:
		return decision{step: StepSettle, reason: "every caBundle has all the CAs"}
	case r.settled.at.After(now.Add(clockSkew)):
		return decision{step: StepSettle, reason: "the wait would begin only at " + stamp(r.settled.at) + ", and it is " + stamp(now) + " now"}
	case now.Before(until):
		d.waiting = "API servers hear of the new CA until " + stamp(until)
		d.wake = earliest(d.wake, until)
	case r.next != nil:
		return decision{step: StepPromote, reason: "every caBundle has had the new CA since " + stamp(r.settled.at)}
	default:
		d.serve, d.serveReason = serve, serveReason
	}
	return d
}

// nextDue is when the dates in the record ask for the next step.
func nextDue(r *record, now time.Time) time.Time {
	var wake time.Time
	add := func(t time.Time) {
		if t.After(now) {
			wake = earliest(wake, t)
		}
	}
	if r.signer != nil {
		add(twoThirds(r.signer.cert.NotBefore, r.signer.cert.NotAfter))
		add(r.signer.cert.NotAfter.Add(time.Second)) // its last second is still good
	}
	if r.next != nil {
		add(twoThirds(r.next.cert.NotBefore, r.next.cert.NotAfter))
	}
	if r.leaf != nil {
		add(twoThirds(r.leaf.leaf().NotBefore, r.leaf.leaf().NotAfter))
		add(r.leaf.leaf().NotAfter.Add(time.Second))
	}
	for _, old := range r.retired {
		add(old.trustedUntil())
	}
	return wake
}

// earliest takes the zero time for never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// unreadNames lists the configurations that could not be read.
func unreadNames(configurations []webhookConfiguration) string {
	var names []string
	for _, c := range configurations {
		if c.err != nil {
			names = append(names, kindMutating+" "+c.name)
		}
	}
	return strings.Join(names, ", ")
}
