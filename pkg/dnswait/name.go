package dnswait

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	firstPause = 100 * time.Millisecond
	lastPause  = time.Second
	// spacing is the time between two looks at names that are not there yet, on
	// average: as many names as there are, they make 20 queries a second.
	spacing = 50 * time.Millisecond
	// enoughPolls is how often a name must be seen before its addresses are asked
	// for. Of two replicas of CoreDNS one hears of a pod before the other, and one
	// question to the other would make it keep "no such name" for everybody.
	enoughPolls = 2
	// quiet and patience hold back the first question for several addresses. A
	// Service's name is there with its first pod, and caches keep a short list as
	// long as a whole one, up to 30 s: it pays to wait until DNS has not changed
	// for a while, but not for ever, as all of the cluster's changes count.
	quiet    = 2 * time.Second
	patience = 10 * time.Second
)

// Target is what to wait for.
type Target struct {
	// Name is absolute, without the dot at its end.
	Name string
	// Addresses is how many distinct ones the name must have, at least 1. A and
	// AAAA addresses are counted apart and the larger number counts: a pod with
	// both families has one of each, and stays one pod.
	Addresses int
}

// name is a target, and what DNS has said of it so far. It decides what to ask
// next; it reads no clock and asks nobody.
type name struct {
	Target
	polls polls
	// due is when to look at it again; pause is the time between two looks.
	due   time.Time
	pause time.Duration
	// asked says whether its addresses have been asked for.
	asked bool
	// seen counts the answers that it is there. since is the first of them, and
	// changed the last time when the zone's serial grew.
	seen           int
	since, changed time.Time
	serial         uint32
	// said is what DNS said last, and unanswered whether no nameserver did.
	said       string
	unanswered bool
	done       bool
	// flies says that it is being looked at.
	flies bool
}

func newName(t Target, now time.Time) *name {
	return &name{Target: t, due: now, pause: firstPause, said: "no answer yet", unanswered: true}
}

// end ends a look. Names that are not there yet share what may be asked.
func (n *name) end(now time.Time, missing int) {
	pause := n.pause
	if n.seen == 0 {
		pause = max(pause, time.Duration(missing)*spacing)
	}
	n.due = now.Add(pause)
	n.pause = min(2*n.pause, lastPause)
}

// polled takes the answer to a question of a private type, and says whether to
// ask for addresses now. It is no unless the name was there this very moment:
// asking too early makes caches keep "no such name" for all who ask for it.
func (n *name) polled(now time.Time, a Answer) bool {
	n.unanswered = false
	if a.Code != dnsmessage.RCodeSuccess {
		n.said = codeName(a.Code)
		return false
	}
	n.seen++
	if n.seen == 1 {
		n.said = "it is there, but its addresses have not been asked for yet"
		n.since, n.changed, n.pause = now, now, firstPause
	}
	if a.Serial > n.serial {
		n.serial, n.changed = a.Serial, now
	}
	return n.seen >= enoughPolls && (n.Addresses == 1 || n.asked || n.settled(now))
}

func (n *name) settled(now time.Time) bool {
	return now.Sub(n.changed) >= quiet || now.Sub(n.since) >= patience
}

// asking notes that the addresses are asked for. The next look comes a second later.
func (n *name) asking() {
	n.asked, n.pause = true, lastPause
}

// resolved takes the answers to A and AAAA.
func (n *name) resolved(v4, v6 Answer) {
	n.unanswered = false
	larger := v4
	if len(v6.Addresses) > len(v4.Addresses) {
		larger = v6
	}
	n.done = len(larger.Addresses) >= n.Addresses
	n.said = n.describe(larger)
}

func (n *name) describe(a Answer) string {
	count := len(a.Addresses)
	switch {
	case count > 0 && a.Cut != nil:
		return fmt.Sprintf("%d of %d addresses in a cut answer: %v; let TCP to port 53 through", count, n.Addresses, a.Cut)
	case count > 0:
		return fmt.Sprintf("%d of %d addresses", count, n.Addresses)
	case a.Code == dnsmessage.RCodeSuccess:
		return "no addresses" + kept(a)
	}
	return codeName(a.Code) + kept(a)
}

// kept tells of a negative answer that caches keep.
func kept(a Answer) string {
	if a.Keep <= 0 {
		return ""
	}
	return fmt.Sprintf(", which caches may keep for %s", a.Keep)
}

// failed notes why no nameserver answered.
func (n *name) failed(reasons []string) {
	n.said, n.unanswered = strings.Join(reasons, "; "), true
}
