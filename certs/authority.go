package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
)

// organization is the subject organization of all that this package signs.
const organization = "netmode"

// clockSkew is how far before now a certificate begins, for clients whose clock
// is behind.
const clockSkew = 5 * time.Minute

// Authority is a self-signed CA with its private key, in memory only.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes a CA (RFC 5280, ECDSA P-256, path length 0) that is valid
// from five minutes before now until now + lifetime. commonName is its subject's
// common name. The error says which argument to change.
func NewAuthority(commonName string, now time.Time, lifetime time.Duration) (*Authority, error) {
	if lifetime <= 0 {
		return nil, fmt.Errorf("authority lifetime %s: must be more than 0", lifetime)
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(commonName, now, lifetime)
	if err != nil {
		return nil, err
	}
	template.IsCA = true
	template.MaxPathLenZero = true
	template.KeyUsage = x509.KeyUsageCertSign
	cert, err := sign(template, template, key, key)
	if err != nil {
		return nil, fmt.Errorf("make authority %q: %w", commonName, err)
	}
	return &Authority{cert: cert, key: key}, nil
}

// CertPEM returns the CA's certificate.
func (a *Authority) CertPEM() []byte { return encodeCertificate(a.cert.Raw) }

// Issue signs a new serving certificate (ECDSA P-256, serverAuth) for the names,
// each an IP address or a DNS name, which may begin with "*.". It is valid from
// five minutes before now until now + lifetime, which must not reach beyond the
// authority's own end. Cert and CA of the KeyPair are one certificate each, Key is
// PKCS#8. The error names the argument, the value and the cure.
func (a *Authority) Issue(names []string, now time.Time, lifetime time.Duration) (KeyPair, error) {
	if lifetime <= 0 {
		return KeyPair{}, fmt.Errorf("certificate lifetime %s: must be more than 0", lifetime)
	}
	dnsNames, ips, err := splitNames(names)
	if err != nil {
		return KeyPair{}, err
	}
	key, err := newKey()
	if err != nil {
		return KeyPair{}, err
	}
	template, err := newTemplate("netmode webhook", now, lifetime)
	if err != nil {
		return KeyPair{}, err
	}
	if template.NotAfter.After(a.cert.NotAfter) {
		return KeyPair{}, fmt.Errorf("certificate lifetime %s: would end at %s, after its authority at %s: ask for less, or make a new authority",
			lifetime, stamp(template.NotAfter), stamp(a.cert.NotAfter))
	}
	template.DNSNames = dnsNames
	template.IPAddresses = ips
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	leaf, err := sign(template, a.cert, key, a.key)
	if err != nil {
		return KeyPair{}, fmt.Errorf("sign certificate for %s: %w", strings.Join(names, ", "), err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return KeyPair{}, err
	}
	return KeyPair{Cert: encodeCertificate(leaf.Raw), Key: keyPEM, CA: a.CertPEM()}, nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// readAuthority reads a CA of this package back from PEM. It does not look at
// the clock. The error names the part.
func readAuthority(certPEM, keyPEM []byte, commonName string) (*Authority, error) {
	chain, err := parseCertificates(certPEM)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	cert := chain[0]
	subject := cert.Subject
	if len(chain) != 1 || !cert.IsCA || subject.CommonName != commonName || !slices.Equal(subject.Organization, []string{organization}) {
		return nil, fmt.Errorf("certificate: %q is not the one CA that netmode made here", subject)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("private key: %T, not ECDSA", pair.PrivateKey)
	}
	return &Authority{cert: cert, key: key}, nil
}

// judge says how far the CA can still sign, and why no further.
func (a *Authority) judge(now time.Time) (health, string) {
	switch begin, end := a.cert.NotBefore, a.cert.NotAfter; {
	case !now.Before(end):
		return broken, fmt.Sprintf("the CA expired at %s", stamp(end))
	case now.Before(begin):
		return broken, fmt.Sprintf("the CA is valid only from %s, and it is %s now", stamp(begin), stamp(now))
	case !now.Before(twoThirds(begin, end)):
		return due, fmt.Sprintf("two thirds of the CA's life were over at %s, and it ends at %s", stamp(twoThirds(begin, end)), stamp(end))
	}
	return healthy, ""
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make private key: %w", err)
	}
	return key, nil
}

// newTemplate fills in what CA and leaf have in common. Times are whole seconds:
// X.509 keeps no smaller ones.
func newTemplate(commonName string, now time.Time, lifetime time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return nil, fmt.Errorf("make serial number: %w", err)
	}
	return &x509.Certificate{
		SerialNumber:          serial.Add(serial, big.NewInt(1)), // RFC 5280 4.1.2.2: never 0
		Subject:               pkix.Name{Organization: []string{organization}, CommonName: commonName},
		NotBefore:             now.Add(-clockSkew).UTC().Truncate(time.Second),
		NotAfter:              now.Add(lifetime).UTC().Truncate(time.Second),
		BasicConstraintsValid: true,
	}, nil
}

// sign adds SubjectKeyId (for a CA) and AuthorityKeyId by way of x509.
func sign(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// splitNames sorts names into the two kinds of subject alternative names,
// lower-cased, each once.
func splitNames(names []string) (dnsNames []string, ips []net.IP, err error) {
	if len(names) == 0 {
		return nil, nil, errors.New("certificate names: none given: give the DNS names and IP addresses that clients call")
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			if !slices.ContainsFunc(ips, ip.Equal) {
				ips = append(ips, ip)
			}
			continue
		}
		lower := strings.ToLower(name)
		if problem := dnsNameProblem(lower); problem != "" {
			return nil, nil, fmt.Errorf("certificate name %q: neither an IP address nor a DNS name: %s", name, problem)
		}
		if !slices.Contains(dnsNames, lower) {
			dnsNames = append(dnsNames, lower)
		}
	}
	return dnsNames, ips, nil
}

// dnsNameProblem says what is wrong with a DNS name, or nothing.
func dnsNameProblem(name string) string {
	check := validation.IsDNS1123Subdomain
	if strings.HasPrefix(name, "*") {
		check = validation.IsWildcardDNS1123Subdomain
	}
	if problems := check(name); len(problems) > 0 {
		return strings.Join(problems, "; ")
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return "its last part is a number: write an IP address in full, or a name that ends in a word"
	}
	return ""
}

// stamp writes a time for people: UTC, RFC 3339.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
