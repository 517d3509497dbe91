//go:build unix

package admission

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What a review may take: some of it whatever it holds, and the rest by its
// bytes. CPU is held against decoding the same bytes with encoding/json in the
// same process, so that a slow machine and the race detector count for nothing:
// at most 10 times is needed from 40 kB on, and anything quadratic takes
// hundreds.
const (
	cpuAlways   = 150 * time.Millisecond
	cpuDecoded  = 30
	mostPerByte = 2
	mostAlways  = 24 << 20
)

// adversary builds an object by the bytes of a seed: what there is much of, how
// much, how deep and how long.
type adversary struct {
	seed []byte
	// left is how many bytes the object may still grow by.
	left int
}

func (a *adversary) next() int {
	if len(a.seed) == 0 {
		return 0
	}
	b := a.seed[0]
	a.seed = a.seed[1:]
	return int(b)
}

// pick chooses a word.
func (a *adversary) pick(words ...string) string { return words[a.next()%len(words)] }

// count is from none to as many as have room.
func (a *adversary) count(each int) int {
	n := 1 << (a.next() % 21)
	return max(min(n, a.left/max(each, 1)), 0)
}

func (a *adversary) text() string {
	unit := a.pick("a", "<", `\u003c`, `\u0001`, `\"`, "é", "a.", "net.", "10.0.0.1")
	s := strings.Repeat(unit, a.count(len(unit)))
	a.left -= len(s)
	return `"` + s + `"`
}

// list repeats an item; with a number in it all are different.
func (a *adversary) list(item string) string {
	n := a.count(len(item) + 8)
	a.left -= n * (len(item) + 8)
	return "[" + many(n, func(i int) string { return strings.ReplaceAll(item, "#", strconv.Itoa(i)) }) + "]"
}

func (a *adversary) dict(member string) string {
	list := a.list(member)
	return "{" + list[1:len(list)-1] + "}"
}

func (a *adversary) ports() string {
	return a.list(a.pick(`{}`, `{"hostPort":1,"containerPort":2}`, `{"containerPort":80}`, `{"containerPort":80,"hostIP":"10.0.0.#"}`, `{"containerPort":8,"protocol":"#"}`, `{"name":"#"}`))
}

func (a *adversary) containers() string {
	switch a.next() % 5 {
	case 4:
		return a.list(`{"env":` + a.list(a.pick(`{"name":"NETMODE_HOSTNAME"}`, `{"name":"#","value":"v"}`, `{"value":`+a.text()+`}`, `{"name":[#]}`)) + `}`)
	case 0:
		return a.list(a.pick(`{}`, `{"name":"istio-proxy"}`, `{"name":"c#"}`, `{"restartPolicy":"Always"}`, `{"securityContext":{"runAsUser":#}}`, `{"securityContext":{"capabilities":{"add":["NET_ADMIN"]}}}`, `{"lifecycle":{"postStart":{"exec":{}}}}`))
	case 1:
		return a.list(`{"ports":` + a.ports() + `}`)
	case 2:
		return a.list(`{"name":` + a.text() + `}`)
	default:
		return a.list(`{"lifecycle":{"postStart":{"exec":{"command":` + a.list(a.text()) + `}}}}`)
	}
}

func (a *adversary) deep() string {
	open := a.pick("[", `{"a":`, `{"a":1,"b":2,"c":`, `[{},`)
	n := min(a.count(len(open)+2), 4000)
	a.left -= n * (len(open) + 2)
	end := strings.Map(func(r rune) rune {
		switch r {
		case '[':
			return ']'
		case '{':
			return '}'
		}
		return -1
	}, strings.ReplaceAll(open, "{}", ""))
	if strings.HasPrefix(end, "]}") {
		end = "}]"
	}
	return strings.Repeat(open, n) + "1" + strings.Repeat(end, n)
}

// member is one thing of which there may be much, at its place.
func (a *adversary) member(spec, metadata map[string]string) {
	switch a.next() % 16 {
	case 0, 1:
		spec["containers"] = a.containers()
	case 2:
		spec["initContainers"] = a.containers()
	case 3:
		spec["dnsConfig"] = `{"searches":` + a.list(a.pick(`"s#"`, a.text())) + `,"nameservers":` + a.list(`"10.0.0.#"`) + `,"options":` + a.list(`{"name":"ndots"}`) + `}`
	case 4:
		spec["securityContext"] = `{"sysctls":` + a.list(`{"name":`+a.text()+`}`) + `}`
	case 5:
		spec["hostname"] = a.text()
	case 6:
		spec["subdomain"] = a.text()
	case 7:
		spec["nodeSelector"] = a.dict(`"#":"a"`)
	case 8:
		spec["imagePullSecrets"] = a.list(`{"name":"#"}`)
	case 9:
		metadata["labels"] = a.dict(a.pick(`"#":"a"`, `"netmode.io/#":"a"`))
	case 10:
		metadata["name"] = a.text()
	case 11:
		metadata["ownerReferences"] = a.list(`{"kind":` + a.text() + `}`)
	case 12:
		spec["x"] = a.dict(`"#":` + a.pick("0", "{}", `"a"`))
	case 13:
		spec["x"] = a.deep()
	case 14:
		spec["ports"] = a.list(`{"port":#,"targetPort":` + a.pick("1", `"a"`) + `}`)
		spec["externalIPs"] = a.list(`"#"`)
	case 15:
		spec["selector"] = a.dict(`"#":"a"`)
	}
}

func joined(members map[string]string) string {
	var all []string
	for name, value := range members {
		all = append(all, `"`+name+`":`+value)
	}
	return "{" + strings.Join(all, ",") + "}"
}

// body is the review of the seed's object, in JSON.
func (a *adversary) body() []byte {
	kind := a.pick("Pod", "Pod", "Service", "Deployment")
	annotations := `"netmode.io/mode":"` + a.pick("hostnetwork", "statefulset-headless", "headless", "default") + `","netmode.io/service":"db","netmode.io/peers":"` + a.pick("zk", "zk.data,workers", "a,b,c,d,e,f,g,h,i,j", ",") + `","netmode.io/search-rewrite":"` +
		a.pick("auto", "prepend", "append", "init-container", "post-start") + `"`
	spec, metadata := map[string]string{}, map[string]string{}
	for range a.next() % 4 {
		a.member(spec, metadata)
	}
	a.member(spec, metadata)
	if more := a.dict(a.pick(`"netmode.io/#":""`, `"#":"a"`)); len(more) > 2 {
		annotations += "," + more[1:len(more)-1]
	}
	metadata["annotations"] = "{" + annotations + "}"
	object := `{"metadata":` + joined(metadata) + `,"spec":` + joined(spec) + `}`
	if kind != "Deployment" {
		return sent(kind, "u", object)
	}
	workload := `{"metadata":{"name":"web"},"spec":{"template":` + object + `}}`
	if a.next()%2 == 0 {
		return workloadRequest(kind, "CREATE", workload, "null")
	}
	return workloadRequest(kind, "UPDATE", workload, strings.Replace(workload, "hostnetwork", "headless", 1))
}

// FuzzCost holds the work for an object to its size, whatever it is.
func FuzzCost(f *testing.F) {
	for kind := range byte(4) {
		for member := kind % 2; member < 16; member += 2 {
			f.Add([]byte{kind, member, 0, 0, member, member, 20, member, 20, 20, member, 20, 20})
			f.Add([]byte{kind, member % 2, member, 3, member, 1, 10, 16, member + 1, 3, 10, 1, 10, member + 2, 10, 18, 10, 1, 8})
		}
	}
	const most = 1 << 18
	f.Fuzz(func(t *testing.T, seed []byte) {
		body := (&adversary{seed: seed, left: most}).body()
		r := newReviewer(t)
		memory := uint64(mostAlways + mostPerByte*len(body))
		var c cost
		var most time.Duration
		for range 3 { // what else the process does is counted, too
			c, _ = measure(t, r, body)
			most = cpuAlways + cpuDecoded*decoding(t, body)
			if c.allocated > memory || c.answer > mostAnswer {
				t.Fatalf("%d bytes: %d bytes allocated, an answer of %d bytes: %.300s", len(body), c.allocated, c.answer, body)
			}
			if c.cpu <= most {
				return
			}
		}
		t.Errorf("%d bytes: %v of CPU, more than %v: %.300s", len(body), c.cpu, most, body)
	})
}

// decoding is what a plain decoder needs for a body.
func decoding(t *testing.T, body []byte) time.Duration {
	t.Helper()
	var into any
	from := cpuTime(t)
	if err := json.Unmarshal(body, &into); err != nil {
		t.Fatal(err)
	}
	return cpuTime(t) - from
}
