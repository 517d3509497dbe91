package certs

import (
	"bytes"
	"encoding/pem"
	"errors"
	"slices"
	"testing"
	"time"
)

// caDue is when the scene's CA is due, leafDue when its leaf is.
const (
	caDue   = (365*day+clockSkew)/3*2 - clockSkew
	leafDue = (90*day+clockSkew)/3*2 - clockSkew
)

// What is done until all is in order.
var (
	nothing = []string(nil)
	afresh  = []string{"begin", "bundle", "serve"}
	reissue = []string{"issue", "serve"}
	restore = []string{"serve"}
	// A CA in rotation: ca.crt goes to the pods with the caBundles.
	rotate = []string{"stage", "bundle", "serve", "settle", "wait", "promote", "serve"}
	// The same where the leaf in service is of a CA that cannot sign.
	takeOver = []string{"stage", "bundle", "settle", "wait", "promote", "serve"}
)

// decideCase is one change of a scene in which all is in order.
type decideCase struct {
	what  string
	scene func(s *scene)
	want  []string // to rest
	why   []string // the parts of the first reason
}

func expectDecisions(t *testing.T, cases []decideCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.what, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			tc.scene(s)
			s.expect(tc.want, tc.why)
		})
	}
}

func TestDecideDates(t *testing.T) {
	t.Parallel()
	expectDecisions(t, []decideCase{
		{"in order", func(*scene) {}, nothing, nil},
		{"just before the leaf is due", func(s *scene) { s.now = s.now.Add(leafDue - time.Second) }, nothing, nil},
		{"leaf due", func(s *scene) { s.now = s.now.Add(leafDue) }, reissue,
			[]string{"tls.crt: two thirds of its life were over at 2026-07-31T11:58:20Z, and it ends at 2026-08-30T12:00:00Z"}},
		{"leaf expired", func(s *scene) { s.now = s.now.Add(91 * day) }, reissue, []string{"tls.crt: expired at 2026-08-30T12:00:00Z"}},
		{"just before the CA is due", func(s *scene) { s.now = s.now.Add(caDue - time.Second); s.renewLeaf() }, nothing, nil},
		{"CA due", func(s *scene) { s.now = s.now.Add(caDue); s.renewLeaf() }, rotate,
			[]string{"two thirds of the CA's life were over at 2027-01-30T19:58:20Z, and it ends at 2027-06-01T12:00:00Z"}},
		{"CA due, leaf expired", func(s *scene) { s.now = s.now.Add(caDue) }, slices.Concat(reissue[:1], rotate), []string{"tls.crt: expired"}},
		{"CA expired", func(s *scene) { s.now = s.now.Add(366 * day) }, afresh, []string{"the CA expired at 2027-06-01T12:00:00Z"}},
		// The second that is left is used, but for one leaf only: another would end with it.
		{"CA just before its end", func(s *scene) { s.now = s.now.Add(365*day - time.Second) },
			slices.Concat(reissue[:1], rotate), []string{"tls.crt: expired at 2026-08-30T12:00:00Z"}},
		{"the Service has another name", func(s *scene) { s.rules.names = []string{"other.netmode-system.svc"} }, reissue,
			[]string{`tls.crt: does not name "other.netmode-system.svc"`}},
		{"lifetimes changed", func(s *scene) { s.rules.caLifetime, s.rules.leafLifetime = day, time.Hour }, nothing, nil},

		{"clock a little behind", func(s *scene) { s.now = s.now.Add(-clockSkew) }, nothing, nil},
		{"clock far behind", func(s *scene) { s.now = s.now.Add(-time.Hour) }, takeOver,
			[]string{"the CA is valid only from 2026-06-01T11:55:00Z, and it is 2026-06-01T11:00:00Z now"}},
	})
}

// TestDecideDamage: whatever is missing or broken in the Secrets and caBundles
// is made good again, with a wait where something in service could break.
func TestDecideDamage(t *testing.T) {
	t.Parallel()
	serving := func(change func(held *KeyPair)) func(s *scene) { return func(s *scene) { change(&s.serving) } }
	authority := func(change func(data map[string][]byte)) func(s *scene) { return func(s *scene) { s.edit(change) } }
	otherCA := func(t testing.TB, name string) (cert, key []byte) {
		a, err := NewAuthority(name, testNow, 365*day)
		if err != nil {
			t.Fatal(err)
		}
		data := map[string][]byte{}
		if err := putAuthority(data, "c", "k", a); err != nil {
			t.Fatal(err)
		}
		return data["c"], data["k"]
	}

	expectDecisions(t, []decideCase{
		// The serving Secret.
		{"serving Secret deleted or empty", serving(func(held *KeyPair) { *held = KeyPair{} }), restore, []string{"it does not exist, or is empty"}},
		{"tls.crt empty", serving(func(held *KeyPair) { held.Cert = nil }), restore, []string{"tls.crt: no PEM certificate found"}},
		{"tls.crt cut short", serving(func(held *KeyPair) { held.Cert = held.Cert[:200] }), restore, []string{"tls.crt: only 0 of 1 PEM blocks can be read"}},
		{"tls.key empty", serving(func(held *KeyPair) { held.Key = nil }), restore, []string{"tls.key: tls: "}},
		{"tls.key of another certificate", func(s *scene) { s.serving.Key = s.foreign("x").Key }, restore, []string{"tls.key: tls: private key does not match public key"}},
		{"ca.crt empty", serving(func(held *KeyPair) { held.CA = nil }), restore, []string{"ca.crt: is not the CAs that caBundles have"}},
		{"ca.crt of another CA", func(s *scene) { s.serving.CA = s.foreign("x").CA }, restore, []string{"ca.crt: is not the CAs that caBundles have"}},
		{"certificate of a foreign CA", func(s *scene) { s.serving = s.foreign(testNames...) }, restore, []string{"tls.crt: not signed by a CA in ca.crt: x509: "}},
		{"foreign CA, trusted by one caBundle", func(s *scene) {
			s.serving = s.foreign(testNames...)
			s.configurations[1].entries = []webhookEntry{{caBundle: s.serving.CA}}
		}, []string{"adopt", "bundle", "settle", "wait", "serve"}, []string{`tls.crt: served and trusted by a caBundle, but of a CA that netmode does not know: "CN=somebody's CA,O=netmode"`}},
		{"foreign CA, trusted, for other names", func(s *scene) {
			s.serving = s.foreign("elsewhere")
			s.trust(s.serving.CA)
		}, []string{"bundle", "serve"}, []string{"tls.crt: not signed by a CA in ca.crt"}},

		// The authority Secret.
		{"authority Secret deleted or empty", authority(func(data map[string][]byte) { clear(data) }), rotate, []string{"ca.crt, ca.key: certificate: no PEM certificate found"}},
		{"authority Secret gone, nothing trusted", func(s *scene) {
			s.record = parseRecord(nil)
			s.trust(nil)
		}, afresh, []string{"ca.crt, ca.key: "}},
		{"authority Secret gone, nonsense trusted", func(s *scene) {
			s.record = parseRecord(nil)
			s.trust(slices.Concat([]byte("\n"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY"}), encodeCertificate([]byte("x"))))
		}, afresh, []string{"ca.crt, ca.key: "}},
		{"both Secrets gone", func(s *scene) { s.record, s.serving = parseRecord(nil), KeyPair{} }, takeOver, []string{"ca.crt, ca.key: "}},
		{"both Secrets and the webhook configurations gone", func(s *scene) {
			s.record, s.serving, s.configurations = parseRecord(nil), KeyPair{}, nil
		}, []string{"begin", "serve"}, []string{"ca.crt, ca.key: "}},
		{"ca.key empty", authority(func(data map[string][]byte) { delete(data, caKeyFile) }), rotate, []string{"ca.crt, ca.key: private key: tls: "}},
		{"ca.key of another CA", func(s *scene) {
			_, key := otherCA(s, keptAuthority)
			s.edit(func(data map[string][]byte) { data[caKeyFile] = key })
		}, rotate, []string{"ca.crt, ca.key: private key: tls: private key does not match public key"}},
		{"ca.crt cut short", authority(func(data map[string][]byte) { data[caFile] = data[caFile][:100] }), rotate, []string{"ca.crt, ca.key: certificate: only 0 of 1 PEM blocks can be read"}},
		{"foreign CA to sign", func(s *scene) {
			cert, key := otherCA(s, "somebody's CA")
			s.edit(func(data map[string][]byte) { data[caFile], data[caKeyFile] = cert, key })
		}, rotate, []string{`ca.crt, ca.key: certificate: "CN=somebody's CA,O=netmode" is not the one CA that netmode made here`}},
		{"a leaf in place of the CA", authority(func(data map[string][]byte) { data[caFile], data[caKeyFile] = data[certFile], data[keyFile] }), rotate,
			[]string{`certificate: "CN=netmode webhook,O=netmode" is not the one CA`}},
		{"own CA of another time", func(s *scene) { // half of a backup
			cert, key := otherCA(s, keptAuthority)
			s.edit(func(data map[string][]byte) { data[caFile], data[caKeyFile] = cert, key })
		}, []string{"adopt", "issue", "bundle", "settle", "wait", "serve"}, []string{"tls.crt: served and trusted by a caBundle, but of a CA that netmode does not know"}},
		{"leaf of the record lost", authority(func(data map[string][]byte) { delete(data, certFile) }), reissue, []string{"tls.crt: no PEM certificate found"}},
		{"leaf of the record of another CA", func(s *scene) {
			other := s.foreign(testNames...)
			s.edit(func(data map[string][]byte) { data[certFile], data[keyFile] = other.Cert, other.Key })
		}, reissue, []string{"tls.crt: does not verify with ca.crt at 2026-06-01T12:00:00Z: x509: "}},
		{"state.json lost", authority(func(data map[string][]byte) { delete(data, stateFile) }), []string{"adopt"}, []string{"state.json: missing"}},
		{"state.json garbled", authority(func(data map[string][]byte) { data[stateFile] = []byte("{") }), []string{"adopt"}, []string{"state.json: unexpected end of JSON input"}},
		{"retired CA garbled", authority(func(data map[string][]byte) {
			data[stateFile] = []byte(`{"retired":[{"certificate":"x","until":"2026-06-02T00:00:00Z"}]}`)
		}), []string{"adopt"}, []string{"state.json: retired[0]: no PEM certificate found"}},
		{"staged CA garbled", authority(func(data map[string][]byte) { data[nextCAFile] = []byte("x") }), rotate, []string{"next-ca.crt, next-ca.key: certificate: no PEM certificate found"}},
		{"staged CA without its key", authority(func(data map[string][]byte) { data[nextCAFile] = data[caFile] }), rotate, []string{"next-ca.crt, next-ca.key: private key: "}},

		// The webhook configurations.
		{"caBundle emptied", func(s *scene) { s.configurations[1].entries = []webhookEntry{{}} }, []string{"bundle"}, nil},
		{"caBundle of a foreign CA", func(s *scene) { s.trust(s.foreign("x").CA) }, []string{"bundle"}, nil},
		{"one of two entries differs", func(s *scene) {
			s.configurations[0].entries = []webhookEntry{{caBundle: s.serving.CA}, {index: 2, caBundle: bytes.TrimSpace(s.serving.CA)}}
		}, []string{"bundle"}, nil},
		{"configurations gone", func(s *scene) { s.configurations = nil }, nothing, nil},
		{"nothing in them calls the Service", func(s *scene) { s.configurations[0].entries, s.configurations[1].entries = nil, nil }, nothing, nil},
	})
}

// TestDecideWithinRotation: a rotation goes on from wherever it stands, and
// begins its wait anew whenever a caBundle has changed meanwhile.
func TestDecideWithinRotation(t *testing.T) {
	t.Parallel()
	unreadable := func(s *scene) {
		s.configurations[1].entries, s.configurations[1].err = nil, errors.New("forbidden")
	}
	for _, tc := range []struct {
		what   string
		before Step // where the rotation stands
		scene  func(s *scene)
		want   []string
		why    []string
	}{
		{"at stage", StepStage, func(*scene) {}, rotate, nil},
		{"at bundle", StepBundle, func(*scene) {}, rotate[1:], nil},
		{"at settle", StepSettle, func(*scene) {}, rotate[3:], []string{"every caBundle has all the CAs"}},
		{"at promote", StepPromote, func(*scene) {}, rotate[5:], []string{"every caBundle has had the new CA since 2027-01-30T19:58:20Z"}},
		{"at serve", StepPromote, func(s *scene) { s.take(StepPromote) }, rotate[6:], []string{"tls.crt: is not the certificate that was issued last"}},
		{"at retire", StepRetire, func(*scene) {}, []string{"retire", "bundle", "serve"}, []string{"the last leaf of the CA ", " expired at 2027-04-30T19:58:20Z"}},

		{"waiting", StepSettle, func(s *scene) { s.take(StepSettle); s.now = s.now.Add(settleTime - time.Second) }, rotate[4:],
			[]string{"API servers hear of the new CA until 2027-01-30T19:59:50Z"}},
		{"a caBundle reverted while waiting", StepPromote, func(s *scene) { s.trust(s.record.signer.CertPEM()) },
			slices.Concat([]string{"bundle"}, rotate[3:]), nil},
		{"a caBundle reverted and put back while waiting", StepPromote, func(s *scene) { s.configurations[0].generation += 2 }, rotate[3:], nil},
		{"a configuration made anew while waiting", StepPromote, func(s *scene) { s.configurations[0].uid = "3" }, rotate[3:], nil},
		{"a configuration more while waiting", StepPromote, func(s *scene) {
			s.configurations = append(s.configurations, webhookConfiguration{name: "late", entries: []webhookEntry{{}}})
		}, slices.Concat([]string{"bundle"}, rotate[3:]), nil},
		{"a configuration less while waiting", StepPromote, func(s *scene) { s.configurations = s.configurations[:1] }, rotate[3:], nil},
		{"a caBundle reverted before the new leaf is served", StepPromote, func(s *scene) {
			s.take(StepPromote)
			s.trust(encodeCertificate(s.record.retired[0].cert.Raw))
		}, []string{"bundle", "settle", "wait", "serve"}, nil},
		{"the serving Secret deleted while waiting", StepPromote, func(s *scene) { s.serving = KeyPair{} }, slices.Concat(restore, rotate[5:]), nil},
		{"the staged CA's key lost", StepPromote, func(s *scene) { s.edit(func(data map[string][]byte) { delete(data, nextKeyFile) }) }, rotate,
			[]string{"next-ca.crt, next-ca.key: private key: "}},
		{"the signing CA's key lost", StepPromote, func(s *scene) { s.edit(func(data map[string][]byte) { delete(data, caKeyFile) }) },
			[]string{"adopt", "promote", "serve"}, []string{"tls.crt: served and trusted by a caBundle, but of a CA that netmode does not know"}},
		{"state.json lost while waiting", StepPromote, func(s *scene) { s.edit(func(data map[string][]byte) { delete(data, stateFile) }) },
			slices.Concat([]string{"adopt"}, rotate[3:]), []string{"state.json: missing"}},
		{"clock set back while waiting", StepSettle, func(s *scene) {
			s.now = s.now.Add(time.Hour)
			s.take(StepSettle)
			s.now = s.now.Add(-30 * time.Minute)
		}, rotate[3:], []string{"the wait would begin only at 2027-01-30T20:58:20Z, and it is 2027-01-30T20:28:20Z now"}},
		{"stopped for months", StepPromote, func(s *scene) { s.now = s.now.Add(100 * day) }, slices.Concat(reissue, rotate[5:]), []string{"tls.crt: expired at "}},
		{"stopped until the signing CA expired", StepSettle, func(s *scene) { s.now = s.now.Add(200 * day) }, []string{"promote", "retire", "bundle", "serve"},
			[]string{"nothing that clients accept is in service: no need to wait"}},
		{"stopped until the staged CA is due", StepPromote, func(s *scene) { s.now = s.now.Add(300 * day) }, []string{"stage", "promote", "retire", "bundle", "serve"}, []string{"before it signed anything, two thirds of the CA's life were over"}},

		{"a configuration unreadable", StepSettle, unreadable, nothing, []string{
			"a CA in rotation must be in every caBundle first: MutatingWebhookConfiguration netmode-too must be readable"}},
		{"a configuration unreadable, leaf due", StepSettle, func(s *scene) { unreadable(s); s.now = s.now.Add(leafDue) }, reissue, nil},
		{"a configuration unreadable, authority Secret gone", StepSettle, func(s *scene) { unreadable(s); s.record = parseRecord(nil) }, nothing, []string{
			"the CAs that are trusted now must not be lost: MutatingWebhookConfiguration netmode-too must be readable"}},
		{"a configuration unreadable, state.json gone", StepSettle, func(s *scene) {
			unreadable(s)
			s.edit(func(data map[string][]byte) { delete(data, stateFile) })
		}, nothing, []string{"the CAs that are trusted now must not be lost"}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.now = s.now.Add(caDue)
			s.renewLeaf()
			s.until(tc.before)
			tc.scene(s)
			s.expect(tc.want, tc.why)
		})
	}
}
