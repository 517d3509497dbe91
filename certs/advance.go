package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// advance gives the record after a step that decide named for what was seen. The
// record that was seen stays as it is. The error says what to change.
func advance(seen *currentState, step Step, now time.Time, with rules) (record, error) {
	r := seen.record
	r.signerFault, r.nextFault, r.leafFault, r.stateFault = "", "", "", ""
	switch step {
	case StepBegin:
		authority, err := NewAuthority(keptAuthority, now, with.caLifetime)
		if err != nil {
			return record{}, err
		}
		r = record{signer: authority}
		return r, r.issue(now, with)
	case StepIssue:
		return r, r.issue(now, with)
	case StepStage:
		return r, r.stage(seen, now, with)
	case StepAdopt:
		r.adopt(seen, now, with)
		return r, nil
	case StepSettle:
		// Whole seconds, and never before the last write.
		r.settled = settlement{
			at: now.Add(time.Second - time.Nanosecond).Truncate(time.Second),
			of: settlementOf(encodeCertificates(r.cas()), seen.configurations),
		}
		return r, nil
	case StepPromote:
		return r, r.promote(now, with)
	case StepRetire:
		r.retired = slices.DeleteFunc(slices.Clone(r.retired), func(old retiredCA) bool {
			return !now.Before(old.trustedUntil()) && !seen.record.leans(old.cert, now)
		})
		return r, nil
	default:
		return record{}, fmt.Errorf("step %q: does not change the record", step)
	}
}

// issue makes the leaf anew. It lives no longer than its CA.
func (r *record) issue(now time.Time, with rules) error {
	lifetime := min(with.leafLifetime, r.signer.cert.NotAfter.Sub(now))
	pair, err := r.signer.Issue(with.names, now, lifetime)
	if err != nil {
		return err
	}
	issued, err := newLeaf(pair.Cert, pair.Key)
	if err != nil {
		return err
	}
	// Or the next decision would ask for the same again, for ever.
	if h, reason := issued.under(r.signer.cert).judge(with.names, now); h == broken {
		return errors.New("the certificate just made is of no use: " + reason)
	}
	r.leaf = issued
	if end := issued.leaf().NotAfter; end.After(r.signedUntil) {
		r.signedUntil = end
	}
	return nil
}

// stage makes the next CA. Where no CA signs, everything is at stake that the
// caBundles trust now: it is kept, and so is the leaf that is in service.
func (r *record) stage(seen *currentState, now time.Time, with rules) error {
	next, err := NewAuthority(keptAuthority, now, with.caLifetime)
	if err != nil {
		return err
	}
	r.next = next
	if r.signer != nil {
		return nil
	}
	found := trusted(seen.configurations, now)
	r.retire(now.Add(with.leafLifetime), found[:min(len(found), maxRetired)]...)
	if live, issuers := liveLeaf(seen, now, with); live != nil {
		r.leaf = live
		r.keepFor(live, issuers, now, with)
	}
	return nil
}

// adopt keeps the CAs that the certificate in service needs, and where it is not
// known which CAs sign no more, all that the caBundles trust now.
func (r *record) adopt(seen *currentState, now time.Time, with rules) {
	if seen.record.stateFault != "" {
		found := trusted(seen.configurations, now)
		r.retire(now.Add(with.leafLifetime), found[:min(len(found), maxRetired)]...)
		if r.signer != nil {
			r.signedUntil = r.signer.cert.NotAfter
		}
	}
	if live, issuers := liveLeaf(seen, now, with); live != nil {
		r.keepFor(live, issuers, now, with)
	}
}

// promote lets the staged CA sign. The one before stays trusted until the last
// leaf that it signed has expired.
func (r *record) promote(now time.Time, with rules) error {
	before, outgoing, signedUntil := r.signer, r.leaf, r.signedUntil
	r.signer, r.next, r.signedUntil = r.next, nil, time.Time{}
	if before != nil {
		r.retire(signedUntil, before.cert)
	}
	if outgoing != nil {
		var issuers []*x509.Certificate
		for _, old := range r.retired {
			if outgoing.verifiesUnder(now, old.cert) {
				issuers = append(issuers, old.cert)
			}
		}
		r.keepFor(outgoing, issuers, now, with)
	}
	return r.issue(now, with)
}

// keepFor keeps CAs for as long as a leaf of theirs may be in service: until it
// expires, but no longer than a leaf of the Controller's own would live.
func (r *record) keepFor(l *leaf, cas []*x509.Certificate, now time.Time, with rules) {
	until := now.Add(with.leafLifetime)
	if end := l.leaf().NotAfter; end.Before(until) {
		until = end
	}
	r.retire(until, cas[:min(len(cas), maxRetired)]...)
}
