package cli

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/netmode-io/netmode/pkg/dnswait/dnstest"
)

const waitedFor = "app-0.peers.default.svc.cluster.local"

// nameserver serves on loopback, and returns a resolv.conf that names it. Every
// name that it is told of has so many addresses; there are no others.
func nameserver(t *testing.T, addresses map[string]int) (resolvConf string) {
	t.Helper()
	server := dnstest.Serve(t, func(m *dnsmessage.Message) [][]byte {
		answerAddresses(m, addresses)
		answer, err := m.Pack()
		if err != nil {
			return nil
		}
		return [][]byte{answer}
	}, nil)
	return write(t, "resolv.conf", fmt.Sprintf("search default.svc.cluster.local\nnameserver [%s]:%d\n", server.Addr(), server.Port()))
}

// answerAddresses makes an answer of a query.
func answerAddresses(m *dnsmessage.Message, addresses map[string]int) {
	q := m.Questions[0]
	count, there := addresses[q.Name.String()]
	m.Response = true
	if !there {
		m.RCode = dnsmessage.RCodeNameError
	}
	body := dnsmessage.AResource{A: [4]byte{10, 0, 0, 0}}
	for range count {
		if q.Type != dnsmessage.TypeA {
			break
		}
		body.A[3]++
		record := body
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class},
			Body:   &record,
		})
	}
}

func TestWait(t *testing.T) {
	conf := nameserver(t, map[string]int{"app-0.peers.default.svc.cluster.local.": 1, "app-1.peers.default.svc.cluster.local.": 1, "peers.default.svc.cluster.local.": 3})
	tests := map[string]struct{ args, want string }{
		"a name":             {waitedFor, waitedFor + " resolves, after "},
		"names":              {waitedFor + " app-1.peers.default.svc.cluster.local", "all 2 names resolve, after "},
		"one name twice":     {waitedFor + " " + waitedFor + ".", waitedFor + " resolves, after "},
		"addresses":          {"--addresses 3 peers.default.svc.cluster.local", "peers.default.svc.cluster.local resolves, after "},
		"the longest of all": {"--timeout 1h --addresses 1 " + waitedFor, waitedFor + " resolves, after "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := netmode(t, strings.Fields("wait --resolv-conf "+conf+" "+tt.args)...)
			if line := regexp.MustCompile(`^` + regexp.QuoteMeta(tt.want) + `[0-9.]+m?s\n$`); got.code != 0 || !line.MatchString(got.out) {
				t.Errorf("got %+v, want %s", got, line)
			}
		})
	}
}

// At the time-out it says who is missing; on the way, once a second.
func TestWaitTimesOut(t *testing.T) {
	conf := nameserver(t, map[string]int{"peers.default.svc.cluster.local.": 3})
	got := netmode(t, "wait", "--resolv-conf", conf, "--timeout", "1100ms", "peers.default.svc.cluster.local", waitedFor)
	want := "1s: waiting for 1 of 2 names: " + waitedFor + " (NXDOMAIN)\n" +
		"error: after 1.1s, still waiting for 1 of 2 names; DNS said last:\n  " + waitedFor + ": NXDOMAIN\n" +
		"Are the pods scheduled, and does the Service publish not-ready addresses (publishNotReadyAddresses: true)? See:\n" +
		"  kubectl get endpointslices -n default -l kubernetes.io/service-name=peers\n"
	if (got != result{code: 1, err: want}) {
		t.Errorf("got %+v\nwant %s", got, want)
	}
}

func TestWaitRefuses(t *testing.T) {
	conf := nameserver(t, nil)
	empty := write(t, "resolv.conf", "search default.svc.cluster.local\nnameserver dns.example\n")
	many := strings.Fields(strings.Repeat(waitedFor+" ", 1001))
	tests := map[string]struct {
		args []string
		want string
	}{
		"no NAME":            {nil, "no NAME: give the names to wait for, such as app-0.peers.default.svc.cluster.local"},
		"an empty NAME":      {[]string{""}, `NAME "": not a DNS name: `},
		"a short NAME":       {[]string{"app-0"}, `NAME "app-0": not absolute: search lists are not used, so give it with its domain, such as app-0.peers.default.svc.cluster.local`},
		"upper case":         {[]string{"App.peers.svc"}, `NAME "App.peers.svc": not a DNS name: a lowercase RFC 1123 subdomain`},
		"a long label":       {[]string{strings.Repeat("a", 64) + ".svc"}, "not a DNS name: what stands between two dots has at most 63 characters"},
		"a long NAME":        {[]string{strings.Repeat("a.", 130) + "a"}, "not a DNS name: must be no more than 253"},
		"too many":           {many, "1001 NAMEs: use at most 1000, or wait for --addresses N behind their Service's name"},
		"no addresses":       {[]string{"--addresses", "0", waitedFor}, `--addresses "0": use 1 to 2000: an answer of DNS has room for no more`},
		"too many addresses": {[]string{"--addresses", "2001", waitedFor}, `--addresses "2001": use 1 to 2000`},
		"addresses, no int":  {[]string{"--addresses", "all", waitedFor}, `--addresses "all": use 1 to 2000: an answer of DNS has room for no more`},
		"too short":          {[]string{"--timeout", "999ms", waitedFor}, `--timeout "999ms": use a duration from 1s to 1h, such as 5m`},
		"too long":           {[]string{"--timeout", "1h1s", waitedFor}, `--timeout "1h0m1s": use a duration from 1s to 1h, such as 5m`},
		"no duration":        {[]string{"--timeout", "5", waitedFor}, `--timeout "5": use a duration from 1s to 1h, such as 5m`},
		"another flag":       {[]string{"--file", conf, waitedFor}, "unknown flag: --file"},
		"no such file":       {[]string{"--resolv-conf", empty + ".none", waitedFor}, "--resolv-conf: open " + empty + ".none: no such file or directory: name a file that can be read"},
		"no nameserver":      {[]string{"--resolv-conf", empty, waitedFor}, `--resolv-conf "` + empty + `": no nameserver in it: name the resolv.conf of a pod, or add a line such as nameserver 10.96.0.10`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := netmode(t, append([]string{"wait", "--resolv-conf", conf}, tt.args...)...)
			if got.code != 1 || got.out != "" || !strings.HasPrefix(got.err, "error: ") || !strings.Contains(got.err, tt.want) {
				t.Errorf("got %+v, want %q", got, tt.want)
			}
		})
	}
}

// A pod that is deleted meanwhile does not wait for the time-out.
func TestWaitEndsWithSIGTERM(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), ownBinary(t), "wait", "--resolv-conf", nameserver(t, nil), waitedFor)
	cmd.Env = append(cmd.Environ(), envProgram+"=netmode")
	var out bytes.Buffer
	stderr := &signalling{to: cmd}
	cmd.Stdout, cmd.Stderr = &out, stderr
	_ = cmd.Run() // the exit code says it
	want := fmt.Sprintf("still waiting for the name: %s (NXDOMAIN)\n", waitedFor)
	if got := stderr.text.String(); cmd.ProcessState.ExitCode() != 1 || !strings.Contains(got, "\nerror: stopped after ") || !strings.HasSuffix(got, want) {
		t.Errorf("exit code %d\n%s%s\nwant at the end %s", cmd.ProcessState.ExitCode(), out.String(), got, want)
	}
}

// signalling sends SIGTERM to a process that has written its first line.
type signalling struct {
	to   *exec.Cmd
	text bytes.Buffer
}

func (s *signalling) Write(p []byte) (int, error) {
	if s.text.Len() == 0 {
		if err := s.to.Process.Signal(syscall.SIGTERM); err != nil {
			return 0, err
		}
	}
	return s.text.Write(p)
}
