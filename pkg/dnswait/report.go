package dnswait

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

const (
	// maxTold is how many names a line or an error tells.
	maxTold = 10
	// everySecond is how many lines come a second apart; then the gaps double.
	everySecond = 5
	lastGap     = 30 * time.Second
)

// progress writes who is missing, ever more rarely.
type progress struct {
	to    io.Writer
	begin time.Time
	next  time.Time
	gap   time.Duration
	lines int
}

func newProgress(to io.Writer, begin time.Time) *progress {
	return &progress{to: to, begin: begin, next: begin.Add(time.Second), gap: time.Second}
}

// tell writes a line if one is due.
func (p *progress) tell(now time.Time, missing []*name, of int) {
	if now.Before(p.next) {
		return
	}
	_, _ = fmt.Fprintf(p.to, "%s: waiting for %s: %s\n", now.Sub(p.begin).Truncate(time.Second), counted(missing, of), list(missing))
	if p.lines++; p.lines >= everySecond {
		p.gap = min(2*p.gap, lastGap)
	}
	p.next = now.Add(p.gap)
}

func counted(missing []*name, of int) string {
	if of == 1 {
		return "the name"
	}
	return fmt.Sprintf("%d of %d names", len(missing), of)
}

// list is the first missing names, with what DNS said, in one line.
func list(missing []*name) string {
	var told []string
	for _, n := range missing[:min(len(missing), maxTold)] {
		told = append(told, fmt.Sprintf("%s (%s)", n.Name, n.said))
	}
	return strings.Join(told, ", ") + more(missing, ", ")
}

func more(missing []*name, before string) string {
	if len(missing) <= maxTold {
		return ""
	}
	return fmt.Sprintf("%sand %d more", before, len(missing)-maxTold)
}

func stopped(took time.Duration, missing []*name, of int) error {
	return fmt.Errorf("stopped after %s, still waiting for %s: %s", took.Round(time.Millisecond), counted(missing, of), list(missing))
}

func timedOut(timeout time.Duration, missing []*name, of int) error {
	var text strings.Builder
	_, _ = fmt.Fprintf(&text, "after %s, still waiting for %s; DNS said last:", timeout, counted(missing, of))
	for _, n := range missing[:min(len(missing), maxTold)] {
		_, _ = fmt.Fprintf(&text, "\n  %s: %s", n.Name, n.said)
	}
	text.WriteString(more(missing, "\n  ") + "\n" + cure(missing))
	return errors.New(text.String())
}

// cure says where to look: at the nameservers, or at what DNS is made from.
func cure(missing []*name) string {
	if slices.ContainsFunc(missing, func(n *name) bool { return n.unanswered }) {
		return "Does the cluster's DNS run, and may this pod reach its port 53 over UDP and TCP? See:\n  kubectl get pods -n kube-system -l k8s-app=kube-dns -o wide"
	}
	text := "Are the pods scheduled, and does the Service publish not-ready addresses (publishNotReadyAddresses: true)? See:"
	var commands []string
	for _, n := range missing[:min(len(missing), maxTold)] {
		if command := slicesCommand(n.Name); !slices.Contains(commands, command) {
			commands = append(commands, command)
		}
	}
	return text + "\n  " + strings.Join(commands, "\n  ")
}

// slicesCommand shows the EndpointSlices that a name of the form
// [pod.]service.namespace.svc.domain is made from.
func slicesCommand(absolute string) string {
	labels := strings.Split(absolute, ".")
	namespace, service := "", "SERVICE"
	if at := 2 + slices.Index(labels[min(len(labels), 2):], "svc"); at >= 2 {
		namespace, service = "-n "+labels[at-1]+" ", labels[at-2]
	}
	return "kubectl get endpointslices " + namespace + "-l kubernetes.io/service-name=" + service
}
