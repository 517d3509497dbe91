package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// keptAuthority is the common name by which a Controller knows a CA of its own.
const keptAuthority = "netmode webhook CA"

// What the authority Secret holds beside tls.crt and tls.key, which are what the
// serving Secret must hold, and ca.crt, the CA that signs.
const (
	caKeyFile   = "ca.key"
	nextCAFile  = "next-ca.crt"
	nextKeyFile = "next-ca.key"
	stateFile   = "state.json"
)

// maxRetired bounds how many CAs that sign no more are kept, as whoever can write
// a caBundle decides how many are found: Secret and configuration must fit into
// etcd's limit of about a megabyte.
const maxRetired = 20

// record is all that a Controller remembers. It lives in the authority Secret and is
// written as a whole, so each step of a rotation is one write.
type record struct {
	// signer signs leaves; nil: there is none, or its key is lost.
	signer *Authority
	// signedUntil is when the last leaf that signer ever signed expires.
	signedUntil time.Time
	// next is on its way into every caBundle and signs nothing yet; nil: no
	// rotation is under way.
	next *Authority
	// leaf is what the serving Secret must hold; nil: nothing usable.
	leaf *leaf
	// retired are CAs that sign no more, but whose leaves may still be served.
	retired []retiredCA
	// settled is since when every configuration holds the CAs of this record.
	settled settlement

	// What was wrong with a part when it was read; such a part is missing above.
	signerFault, nextFault, leafFault, stateFault string
}

// leaf is a serving certificate with its key, both as parsed and as PEM.
type leaf struct {
	cert, key []byte
	*serving
}

// retiredCA is a CA that signs no more, and when the last leaf of its expires.
type retiredCA struct {
	cert  *x509.Certificate
	until time.Time
}

// trustedUntil is when no client accepts its leaves any more, not even one whose clock
// is behind.
func (c retiredCA) trustedUntil() time.Time { return c.until.Add(clockSkew) }

// settlement says that at a time all caBundles were seen to be what of tells.
type settlement struct {
	at time.Time
	of string
}

// recordState is state.json.
type recordState struct {
	SignedUntil time.Time      `json:"signedUntil"`
	Retired     []retiredState `json:"retired,omitempty"`
	SettledAt   *time.Time     `json:"settledAt,omitempty"`
	SettledOf   string         `json:"settledOf,omitempty"`
}

type retiredState struct {
	Certificate string    `json:"certificate"`
	Until       time.Time `json:"until"`
}

// parseRecord reads the authority Secret's data part by part: one that cannot be
// used costs only itself, and is named in its fault. No data is all faults.
func parseRecord(data map[string][]byte) record {
	var r record
	var err error
	if r.signer, err = readAuthority(data[caFile], data[caKeyFile], keptAuthority); err != nil {
		r.signerFault = fmt.Sprintf("%s, %s: %v", caFile, caKeyFile, err)
	}
	if len(data[nextCAFile]) > 0 || len(data[nextKeyFile]) > 0 {
		if r.next, err = readAuthority(data[nextCAFile], data[nextKeyFile], keptAuthority); err != nil {
			r.nextFault = fmt.Sprintf("%s, %s: %v", nextCAFile, nextKeyFile, err)
		}
	}
	if r.leaf, err = newLeaf(data[certFile], data[keyFile]); err != nil {
		r.leafFault = err.Error()
	}
	if err := r.readState(data[stateFile]); err != nil {
		r.stateFault = fmt.Sprintf("%s: %v", stateFile, err)
	}
	return r
}

func (r *record) readState(data []byte) error {
	if len(data) == 0 {
		return errors.New("missing")
	}
	var state recordState
	if err := json.Unmarshal(data, &state); err != nil {
		return err
	}
	var retired []retiredCA
	for i, old := range state.Retired {
		found, err := parseCertificates([]byte(old.Certificate))
		if err != nil {
			return fmt.Errorf("retired[%d]: %w", i, err)
		}
		retired = append(retired, retiredCA{cert: found[0], until: old.Until})
	}
	r.signedUntil, r.retired = state.SignedUntil, retired
	if state.SettledAt != nil {
		r.settled = settlement{at: *state.SettledAt, of: state.SettledOf}
	}
	return nil
}

// writeTo puts the record into the authority Secret's data. What else is there
// stays.
func (r *record) writeTo(data map[string][]byte) error {
	state := recordState{SignedUntil: r.signedUntil.UTC()}
	for _, old := range r.retired {
		state.Retired = append(state.Retired, retiredState{Certificate: string(encodeCertificate(old.cert.Raw)), Until: old.until.UTC()})
	}
	if r.settled.of != "" {
		at := r.settled.at.UTC()
		state.SettledAt, state.SettledOf = &at, r.settled.of
	}
	encoded, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("%s: %w", stateFile, err)
	}
	data[stateFile] = encoded
	if err := putAuthority(data, caFile, caKeyFile, r.signer); err != nil {
		return err
	}
	if err := putAuthority(data, nextCAFile, nextKeyFile, r.next); err != nil {
		return err
	}
	delete(data, certFile)
	delete(data, keyFile)
	if r.leaf != nil {
		data[certFile], data[keyFile] = r.leaf.cert, r.leaf.key
	}
	return nil
}

func putAuthority(data map[string][]byte, certName, keyName string, a *Authority) error {
	delete(data, certName)
	delete(data, keyName)
	if a == nil {
		return nil
	}
	key, err := encodeKey(a.key)
	if err != nil {
		return fmt.Errorf("%s: %w", keyName, err)
	}
	data[certName], data[keyName] = a.CertPEM(), key
	return nil
}

func newLeaf(cert, key []byte) (*leaf, error) {
	s, err := parsePair(cert, key)
	if err != nil {
		return nil, err
	}
	return &leaf{cert: cert, key: key, serving: s}, nil
}

// cas are the CAs that every caBundle must hold, in an order that does not
// change when one of them changes its part in the rotation.
func (r *record) cas() []*x509.Certificate {
	var all []*x509.Certificate
	if r.signer != nil {
		all = append(all, r.signer.cert)
	}
	if r.next != nil {
		all = append(all, r.next.cert)
	}
	for _, old := range r.retired {
		all = append(all, old.cert)
	}
	slices.SortFunc(all, func(a, b *x509.Certificate) int {
		if c := a.NotBefore.Compare(b.NotBefore); c != 0 {
			return c
		}
		return bytes.Compare(a.Raw, b.Raw)
	})
	return slices.CompactFunc(all, (*x509.Certificate).Equal)
}

// usable says whether the signer can sign now.
func (r *record) usable(now time.Time) bool {
	if r.signer == nil {
		return false
	}
	h, _ := r.signer.judge(now)
	return h != broken
}

// protects says whether a certificate that clients still accept may be in
// service under a CA of the record. If not, there is nothing to be careful of.
func (r *record) protects(now time.Time) bool {
	if r.signer != nil && !now.After(r.signer.cert.NotAfter) {
		return true
	}
	return slices.ContainsFunc(r.retired, func(old retiredCA) bool { return now.Before(old.trustedUntil()) })
}

// retire keeps CAs that sign no more until a time, and no longer than they live.
// Of more than maxRetired those go that were added first.
func (r *record) retire(until time.Time, cas ...*x509.Certificate) {
	for _, ca := range cas {
		if r.signer != nil && r.signer.cert.Equal(ca) || r.next != nil && r.next.cert.Equal(ca) {
			continue
		}
		end := until
		if ca.NotAfter.Before(end) {
			end = ca.NotAfter
		}
		if known := slices.IndexFunc(r.retired, func(old retiredCA) bool { return old.cert.Equal(ca) }); known >= 0 {
			if r.retired[known].until.After(end) {
				end = r.retired[known].until
			}
			r.retired = slices.Delete(slices.Clone(r.retired), known, known+1)
		}
		r.retired = append(slices.Clip(r.retired), retiredCA{cert: ca, until: end})
	}
	r.retired = r.retired[max(0, len(r.retired)-maxRetired):]
}

// settlementOf names a set of CAs in a set of webhook configurations, so that
// any change of either is another name.
func settlementOf(bundle []byte, configurations []webhookConfiguration) string {
	hash := sha256.New()
	_, _ = hash.Write(bundle) // a hash.Hash never fails
	for _, c := range configurations {
		if len(c.entries) > 0 {
			_, _ = fmt.Fprintf(hash, "\n%s %s %d", c.name, c.uid, c.generation)
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}
