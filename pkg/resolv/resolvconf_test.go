package resolv_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/netmode-io/netmode/pkg/resolv"
)

func TestParse(t *testing.T) {
	tests := []struct {
		text                  string
		nameservers, searches []string
	}{
		{"", nil, nil},
		{"nameserver 10.96.0.10\n", []string{"10.96.0.10"}, nil},
		{"nameserver\t10.0.0.1 # why\nnameserver   10.0.0.2", []string{"10.0.0.1", "10.0.0.2"}, nil},
		{"search a b\n", nil, []string{"a", "b"}},
		{"search\ta \t b\t\n", nil, []string{"a", "b"}},
		{"search a\nsearch b c\n", nil, []string{"b", "c"}},
		{"search a\nsearch\nsearch  \t\n", nil, []string{"a"}},
		{"search a\ndomain b c\n", nil, []string{"b"}},
		{"domain b\nsearch a\n", nil, []string{"a"}},
		{" search a\n\tnameserver 1.1.1.1\n", nil, nil},
		{"#search a\n; nameserver 1.1.1.1\nsearches a\nSEARCH a\nnameserver\n", nil, nil},
		{"search a # no comment", nil, []string{"a", "#", "no", "comment"}},
		{"search a\r\n", nil, []string{"a\r"}},
		{"\x00\xff\nsearch \xff\n", nil, []string{"\xff"}},
	}
	for _, tt := range tests {
		f := resolv.Parse([]byte(tt.text))
		if diff := cmp.Diff(tt.nameservers, f.Nameservers); diff != "" {
			t.Errorf("%q: nameservers (-want +got):\n%s", tt.text, diff)
		}
		if diff := cmp.Diff(tt.searches, f.Searches); diff != "" {
			t.Errorf("%q: searches (-want +got):\n%s", tt.text, diff)
		}
	}
}

const peer = "db.default.svc.cluster.local"

// resolvConfs are files before and after; the hook's script runs them, too.
var resolvConfs = map[string]struct{ text, want string }{
	"a pod's":                {"nameserver 10.96.0.10\nsearch default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n", "nameserver 10.96.0.10\nsearch " + peer + " default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n"},
	"empty":                  {"", "search " + peer + "\n"},
	"no search line":         {"nameserver 10.96.0.10\n", "nameserver 10.96.0.10\nsearch " + peer + "\n"},
	"no search, no newline":  {"nameserver 10.96.0.10", "nameserver 10.96.0.10\nsearch " + peer + "\n"},
	"search line is last":    {"nameserver 1.1.1.1\nsearch a", "nameserver 1.1.1.1\nsearch " + peer + " a\n"},
	"other line is last":     {"search a\nnameserver 1.1.1.1", "search " + peer + " a\nnameserver 1.1.1.1"},
	"first already":          {"search " + peer + " a\n", "search " + peer + " a\n"},
	"first, with tabs":       {"search\t" + peer + "\t a \n", "search\t" + peer + "\t a \n"},
	"only one":               {"search " + peer, "search " + peer},
	"second":                 {"search a " + peer + " b\n", "search " + peer + " a b\n"},
	"first and third":        {"search " + peer + " a " + peer + "\n", "search " + peer + " a\n"},
	"a longer namespace":     {"search db.default.svc.cluster.localx db-prod.svc x" + peer + " " + peer + "x\n", "search " + peer + " db.default.svc.cluster.localx db-prod.svc x" + peer + " " + peer + "x\n"},
	"only in a comment":      {"# search " + peer + "\nsearch a\n", "# search " + peer + "\nsearch " + peer + " a\n"},
	"as a nameserver":        {"nameserver " + peer + "\nsearch a\n", "nameserver " + peer + "\nsearch " + peer + " a\n"},
	"blanks and tabs":        {"search  \ta\t\tb \nnameserver \t 1.1.1.1\t\n", "search " + peer + " a b\nnameserver \t 1.1.1.1\t\n"},
	"several search lines":   {"search a\nsearch b\nnameserver 1.1.1.1\nsearch c d\n", "search a\nsearch b\nnameserver 1.1.1.1\nsearch " + peer + " c d\n"},
	"empty search line":      {"search a\nsearch \t\nsearch\n", "search " + peer + " a\nsearch \t\nsearch\n"},
	"domain line":            {"domain a\nnameserver 1.1.1.1\n", "search " + peer + " a\nnameserver 1.1.1.1\n"},
	"domain line, two words": {"domain\ta b\n", "search " + peer + " a\n"},
	"domain line, the peers": {"domain " + peer + "\n", "domain " + peer + "\n"},
	"domain behind search":   {"search a b\ndomain c\n", "search a b\nsearch " + peer + " c\n"},
	"search behind domain":   {"domain c\nsearch a b\n", "domain c\nsearch " + peer + " a b\n"},
	"words that begin alike": {"searching a\ndomains b\nsearch", "searching a\ndomains b\nsearch\nsearch " + peer + "\n"},
	"indented":               {" search a\n", " search a\nsearch " + peer + "\n"},
	"empty lines":            {"\n\nsearch a\n\n\n", "\n\nsearch " + peer + " a\n\n\n"},
	"signs of the shell":     {"# $(id) `id` $HOME * \\n %s \"'\nsearch a\n", "# $(id) `id` $HOME * \\n %s \"'\nsearch " + peer + " a\n"},
	"shell signs in search":  {"search * $HOME \\a %d ~ [a]\n", "search " + peer + " * $HOME \\a %d ~ [a]\n"},
	"options that look odd":  {"options ndots:5 -e\n-n\nsearch -n -e\n", "options ndots:5 -e\n-n\nsearch " + peer + " -n -e\n"},
	"DOS line ends":          {"search a b\r\nnameserver 1.1.1.1\r\n", "search " + peer + " a b\r\nnameserver 1.1.1.1\r\n"},
}

// putFirst puts one domain first.
func putFirst(text []byte, domain string) (rewritten []byte, changed bool) {
	return resolv.Domains{First: []string{domain}}.Put(text)
}

func TestPutFirst(t *testing.T) {
	for name, tt := range resolvConfs {
		t.Run(name, func(t *testing.T) {
			got, changed := putFirst([]byte(tt.text), peer)
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("file differs (-want +got):\n%s", diff)
			}
			if changed != (tt.text != tt.want) {
				t.Errorf("changed is %t", changed)
			}
			checkPutFirst(t, tt.text, peer)
		})
	}
}

// checkPutFirst holds Put to its contract for one domain: the domain is first and nowhere
// else, the other searches keep their order, every line but one stays, and a
// second call changes nothing.
func checkPutFirst(t *testing.T, text, domain string) {
	t.Helper()
	before := resolv.Parse([]byte(text))
	out, changed := putFirst([]byte(text), domain)
	after := resolv.Parse(out)
	if changed != (string(out) != text) {
		t.Errorf("changed is %t for %q, %q", changed, text, out)
	}
	others := slices.DeleteFunc(slices.Clone(before.Searches), func(s string) bool { return s == domain })
	if diff := cmp.Diff(append([]string{domain}, others...), after.Searches); diff != "" {
		t.Errorf("searches of %q differ (-want +got):\n%s", out, diff)
	}
	if diff := cmp.Diff(before.Nameservers, after.Nameservers); diff != "" {
		t.Errorf("nameservers of %q differ (-want +got):\n%s", out, diff)
	}
	if again, changed := putFirst(out, domain); changed || !bytes.Equal(again, out) {
		t.Errorf("a second call made %q of %q", again, out)
	}
	was, is := lines(text), lines(string(out))
	if before.Searches == nil {
		was = append(was, "search "+domain)
	}
	if len(was) != len(is) {
		t.Fatalf("%d lines became %d: %q", len(was), len(is), out)
	}
	different := 0
	for i := range was {
		if was[i] == is[i] {
			continue
		}
		different++
		if !strings.HasPrefix(is[i], "search "+domain) || !strings.HasPrefix(was[i], "search") && !strings.HasPrefix(was[i], "domain") {
			t.Errorf("line %d: %q became %q", i, was[i], is[i])
		}
	}
	if different > 1 {
		t.Errorf("%d lines changed: %q became %q", different, text, out)
	}
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// FuzzResolvConf: no file panics, and the contract of Put holds for all.
func FuzzResolvConf(f *testing.F) {
	for _, tt := range resolvConfs {
		f.Add(tt.text, peer)
		f.Add(tt.want, "a")
	}
	f.Fuzz(func(t *testing.T, text, domain string) {
		if len(validation.IsDNS1123Subdomain(domain)) > 0 {
			putFirst([]byte(text), domain)
			domain = peer
		}
		checkPutFirst(t, text, domain)
		// Whatever the file says, facts made of it can be declared by hand.
		if facts, err := resolv.Discover([]byte(text), ""); err == nil {
			if _, err := resolv.Declare(facts.Nameservers, facts.Domain); err != nil || !facts.Known() {
				t.Errorf("Discover accepts what Declare does not: %+v, %v", facts, err)
			}
		}
	})
}
